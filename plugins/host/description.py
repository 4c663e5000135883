"""What `glottis plugins` and `GET /api/v1/plugins` tell: JSON, in which no option's value appears."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from glottis.plugins.host.records import PluginRecord, ProviderInstance
from glottis.plugins.specs import ProviderSpec


def describe_plugins(
    records: Iterable[PluginRecord], instances: Iterable[ProviderInstance] = ()
) -> list[dict[str, Any]]:
    """Describe each plugin, with what it offers and which of it is in use."""
    in_use = list(instances)
    return [
        {
            "name": record.name,
            "distribution": record.distribution,
            "version": record.version,
            "state": record.state.value,
            "load_time_ms": record.load_time_ms,
            "error": record.error,
            "specs": [_spec(spec) for spec in record.specs],
            "instances": [_instance(instance) for instance in in_use if instance.plugin == record.name],
        }
        for record in records
    ]


def _spec(spec: ProviderSpec) -> dict[str, Any]:
    return {
        "kind": spec.kind.value,
        "name": spec.name,
        "description": spec.description,
        "capabilities": {key: _json(value) for key, value in asdict(spec.capabilities).items()},
        "configuration": spec.config.model_json_schema(),
    }


def _instance(instance: ProviderInstance) -> dict[str, Any]:
    return {
        "name": instance.name,
        "kind": instance.kind.value,
        "state": instance.state.value,
        "error": instance.error,
        "runs_on": "workers" if instance.is_remote else "here",
    }


def _json(value: Any) -> Any:
    """Make JSON of a field; a plugin's own capabilities may hold anything."""
    if isinstance(value, (set, frozenset)):
        return sorted(str(item) for item in value)
    if isinstance(value, (tuple, list)):
        return [_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json(item) for key, item in value.items()}
    return value if value is None or isinstance(value, (str, int, float)) else str(value)

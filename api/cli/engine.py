"""`glottis say`, `hear` and `ask`: the providers of a deployment, without a server."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer
from glottis.api.cli.setup import (
    CommandError,
    ConfigOption,
    DataDirOption,
    LanguageOption,
    ProjectOption,
    ProviderOption,
    console,
    language_of,
    notes,
    progress,
    read_deployment,
    read_plugins,
    read_settings,
)
from glottis.config import Deployment, Settings
from glottis.core.audio import CONTENT_TYPES, encode_clip, normalize
from glottis.core.platform import open_engine
from glottis.core.speech import Spoken, speak
from glottis.plugins import Kind, RecognitionOptions, SynthesisOptions, is_speakable

OutOption = Annotated[
    Path, typer.Option("--out", "-o", help="File to write; its ending chooses mp3, opus or wav.")
]


def say(
    text: Annotated[str, typer.Argument(help="What to say.")],
    out: OutOption = Path("speech.mp3"),
    language: LanguageOption = None,
    voice: Annotated[str, typer.Option(help="A voice of the provider.")] = "default",
    provider: ProviderOption = None,
    emotion: Annotated[str, typer.Option(help="Where the provider can.")] = "neutral",
    speed: Annotated[float, typer.Option(min=0.25, max=4.0, help="2.0 is twice as fast.")] = 1.0,
    project: ProjectOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Speak a text into a file."""
    audio_format = out.suffix.removeprefix(".").lower()
    if audio_format not in CONTENT_TYPES:
        raise CommandError(f"{out}: choose an ending among {', '.join(CONTENT_TYPES)}")
    if not is_speakable(text):
        raise CommandError("there is nothing to say in this text: it has neither a letter nor a digit")
    settings = read_settings(config=config, data_dir=data_dir)
    deployment = read_deployment(settings).only("synthesize")
    options = SynthesisOptions(
        voice=voice, language=language or language_of(text), emotion=emotion, speed=speed
    )
    started = time.perf_counter()
    with progress("Speaking ..."):
        spoken = asyncio.run(_say(settings, deployment, text, options, project, provider))
    _write(out, encode_clip(normalize(spoken.clip), audio_format))
    took = time.perf_counter() - started
    console.print(
        f"{out}: {spoken.clip.duration_s:.1f} s by {spoken.provider}, in {took:.1f} s", markup=False
    )


def hear(
    file: Annotated[Path, typer.Argument(help="Audio in any usual format.")],
    language: LanguageOption = "ru-RU",
    provider: ProviderOption = None,
    project: ProjectOption = "",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Print what is said in an audio file."""
    try:
        audio = file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror or 'cannot be read'}") from None
    settings = read_settings(config=config, data_dir=data_dir)
    deployment = read_deployment(settings).only("recognize")

    async def run() -> None:
        loaded = read_plugins(settings, deployment)
        async with open_engine(settings, deployment, loaded=loaded) as engine:
            heard = await engine.recognition.hear(
                audio, RecognitionOptions(language=language or "ru-RU"), project=project, provider=provider
            )
        console.print(heard.transcript.text, markup=False, soft_wrap=True)
        notes.print(
            f"{heard.provider or 'silence'}, confidence {heard.transcript.confidence:.2f}, "
            f"{heard.seconds:.2f} s",
            style="dim",
            markup=False,
        )

    with progress("Listening ..."):
        asyncio.run(run())


def ask(
    text: Annotated[str, typer.Argument(help="What to ask.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Also speak the answer into this file.")
    ] = None,
    language: LanguageOption = None,
    project: ProjectOption = "demo",
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Print what the assistant understands and answers."""
    settings = read_settings(config=config, data_dir=data_dir)
    spoken_in = language or language_of(text)
    whole = read_deployment(settings)
    deployment = whole.only("intents")

    async def run() -> str:
        loaded = read_plugins(settings, deployment)
        async with open_engine(settings, deployment, loaded=loaded) as engine:
            context = engine.dialogue.context(project=project, language=spoken_in)
            reply = await engine.dialogue.answer(text, context)
        notes.print(f"{reply.intent} ({reply.provider or 'nobody'})", style="dim", markup=False)
        console.print(reply.text, markup=False, soft_wrap=True)
        for action in reply.actions:
            notes.print(f"{action.type}: {dict(action.params)}", style="dim", markup=False)
        return reply.text

    with progress("Thinking ..."):
        answer = asyncio.run(run())
    if out is not None:
        say(answer, out=out, language=spoken_in, project=project, config=config, data_dir=data_dir)


async def _say(
    settings: Settings,
    deployment: Deployment,
    text: str,
    options: SynthesisOptions,
    project: str,
    provider: str | None,
) -> Spoken:
    loaded = read_plugins(settings, deployment)
    async with open_engine(settings, deployment, loaded=loaded) as engine:
        chain = engine.routing.chain(
            Kind.SYNTHESIZER, language=options.language, project=project, provider=provider
        )
        return await speak(chain, text, options)


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or 'cannot be written'}") from None

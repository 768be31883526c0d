# Builds the same command that `pip install .` gives. Run it with the config, the key and the data mounted:
#   docker build -t kantter .
#   docker run --rm -v /etc/kantter:/etc/kantter:ro -v kantter-data:/var/lib/kantter kantter
ARG BASE=python:3.13-slim
FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE requirements-dev.txt ./
COPY bridge ./bridge
RUN python -m venv /opt/kantter && /opt/kantter/bin/pip install --no-cache-dir -c requirements-dev.txt .

FROM ${BASE}
RUN useradd --system --uid 990 --home-dir /var/lib/kantter --create-home --shell /usr/sbin/nologin kantter \
    && chmod 700 /var/lib/kantter
COPY --from=build /opt/kantter /opt/kantter
ENV PATH=/opt/kantter/bin:$PATH PYTHONUNBUFFERED=1
USER kantter
VOLUME /var/lib/kantter
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:9108/live', timeout=4)"]
ENTRYPOINT ["kantter"]
CMD ["run"]

# Two stages: packages are installed where a compiler could be, and run where nothing can be written.
#   docker build -t personal-data-ledger .
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#       -v ledger:/var/lib/ledger -p 127.0.0.1:8000:8000 personal-data-ledger
ARG PYTHON_IMAGE=python:3.11.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /srv/ledger
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /srv/ledger/.venv
COPY requirements/build.txt requirements/run.txt requirements/
RUN /srv/ledger/.venv/bin/python -m pip install --quiet --require-hashes \
        --requirement requirements/build.txt --requirement requirements/run.txt
COPY pyproject.toml README.md LICENSE alembic.ini ./
COPY alembic alembic
COPY samples samples
COPY app app
RUN /srv/ledger/.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .

FROM ${PYTHON_IMAGE}
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin ledger \
    && mkdir -p -m 0700 /var/lib/ledger \
    && chown ledger:ledger /var/lib/ledger
COPY --from=build /srv/ledger /srv/ledger
WORKDIR /srv/ledger
ENV LEDGER_HOME=/var/lib/ledger LEDGER_HOST=0.0.0.0 LEDGER_PORT=8000 \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER ledger
VOLUME ["/var/lib/ledger"]
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["/srv/ledger/.venv/bin/python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['LEDGER_PORT'] + '/livez', timeout=2)"]
ENTRYPOINT ["/srv/ledger/.venv/bin/pdledger"]
CMD ["up"]

# Two stages: the first installs what the locks pin by hash, and compiles it; the second has neither pip nor root, and
# writes nothing while it runs. Compiled files are checked against no time stamps, so that the same sources make the same
# files, and a read-only file system costs no start-up time.
FROM python:3.13-slim AS build
WORKDIR /src
# What builds the wheel: it stays in this stage.
COPY requirements-build.lock ./
RUN python -m pip install --no-cache-dir --no-compile --require-hashes --only-binary :all: -r requirements-build.lock \
    && python -m venv --without-pip /opt/ack-remediator
COPY requirements.lock ./
RUN python -m pip --python /opt/ack-remediator/bin/python install --no-cache-dir --no-compile \
        --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY remediator ./remediator
COPY runbooks ./runbooks
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && python -m pip --python /opt/ack-remediator/bin/python install --no-cache-dir --no-compile --no-deps --no-index \
        /wheels/*.whl \
    && PYTHONHASHSEED=0 /opt/ack-remediator/bin/python -m compileall -q -f --invalidation-mode unchecked-hash \
        /opt/ack-remediator/lib

FROM python:3.13-slim
LABEL org.opencontainers.image.title="ack-remediator" \
      org.opencontainers.image.description="Find, explain and free stuck AWS resources managed by AWS Controllers for Kubernetes (ACK)." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0"
# The base comes without compiled files of Python's own library.
RUN python -m pip uninstall --yes --quiet pip \
    && PYTHONHASHSEED=0 python -m compileall -q -f --invalidation-mode unchecked-hash \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
COPY --from=build /opt/ack-remediator /opt/ack-remediator
ENV PATH=/opt/ack-remediator/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
# A number, so that `runAsNonRoot` can be checked before anything runs.
USER 65532:65532
EXPOSE 9464
# No init before it: the program is one process, starts no others, and handles SIGTERM as PID 1, too.
ENTRYPOINT ["remediator"]
CMD ["--help"]

# Two stages: the first installs from the hash-pinned lock, the second has no build tools and no root.
FROM python:3.13-slim AS build
WORKDIR /src
RUN python -m venv /opt/ack-remediator
COPY requirements.lock ./
RUN /opt/ack-remediator/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY remediator ./remediator
COPY runbooks ./runbooks
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
    && /opt/ack-remediator/bin/pip install --no-cache-dir --no-deps /wheels/*.whl

FROM python:3.13-slim
COPY --from=build /opt/ack-remediator /opt/ack-remediator
ENV PATH=/opt/ack-remediator/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
USER 65532:65532
ENTRYPOINT ["remediator"]
CMD ["--help"]

# docker build -t envoy-bridge .                                    64-bit PC or Pi
# docker build -t envoy-bridge --build-arg BUILDER=python:3.13 .    32-bit Pi: one package has to be compiled there
#
# Without a network: put the files that requirements.lock names into wheelhouse/ and add
#     --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/src/wheelhouse
ARG BASE=python:3.13-slim
ARG BUILDER=${BASE}

FROM ${BUILDER} AS build
ARG PIP_NO_INDEX
ARG PIP_FIND_LINKS
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements.lock wheelhous[e]/* ./wheelhouse/
RUN python3 -m venv /venv && /venv/bin/pip install --require-hashes -r wheelhouse/requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY envoy_bridge ./envoy_bridge
COPY fixtures ./fixtures
RUN /venv/bin/pip install --no-deps --no-build-isolation . && /venv/bin/pip uninstall --yes setuptools pip

FROM ${BASE}
COPY --from=build /venv /venv
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/envoy-bridge
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    ENVOY_BRIDGE_HEARTBEAT=/tmp/envoy-bridge.alive
VOLUME /var/lib/envoy-bridge
USER 10001:10001
STOPSIGNAL SIGTERM
# Healthy is who polled successfully a short while ago, whatever ports are open.
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=2 CMD ["python", "-m", "envoy_bridge.health"]
ENTRYPOINT ["envoy-bridge"]
CMD ["run"]

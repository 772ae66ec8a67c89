# Debian's builds of what watches the server, laid over the local base.
# hadolint ignore=DL3006
FROM licet-local-base
COPY usr /usr
RUN mkdir /prometheus /alertmanager && chown 65534:65534 /prometheus /alertmanager
USER 65534:65534

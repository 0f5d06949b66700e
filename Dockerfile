# One image for web, workers, clock and commands; PostgreSQL and Valkey are named by DATABASE_URL and REDIS_URL.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 VAR=/tmp/balas SPOOL=/var/lib/balas/spool
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.txt

COPY wsgi.py LICENSE NOTICE ./
COPY bot bot
COPY flows flows
COPY gateway_adapters gateway_adapters
RUN python -m compileall -q /app && useradd --system --no-create-home balas \
    && install --directory --owner=balas --mode=0700 /var/lib/balas/spool

USER balas
EXPOSE 8000
ENTRYPOINT ["python", "-m", "bot"]
CMD ["web"]

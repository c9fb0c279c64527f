# syntax=docker/dockerfile:1
# One image for the server, the workers and the migration; they differ in the command only.

FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/ssmae
ENV PATH=/opt/ssmae/bin:$PATH
WORKDIR /src
# What is needed first, the source after it: a change of the source does not download torch again.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN mkdir app && touch app/__init__.py && pip install --only-binary=:all: -c constraints.txt .
COPY app app
COPY ssmae ssmae
COPY worker worker
COPY migrations migrations
RUN pip install --no-deps --force-reinstall .

FROM python:3.11-slim-bookworm
RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin ssmae && install --directory --owner ssmae /data
COPY --from=build /opt/ssmae /opt/ssmae
ENV PATH=/opt/ssmae/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
USER ssmae
WORKDIR /data
VOLUME /data
EXPOSE 8501
ENTRYPOINT ["ssmae"]
CMD ["serve"]

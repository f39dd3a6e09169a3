# ruff: noqa: E501 - tables
"""Dockerfiles and workflows: hadolint, Trivy, Checkov and zizmor."""

from __future__ import annotations

from pipeline.records import Domain, Severity
from tests.verification.strangers.weakness import Weakness, line

IMAGE = """FROM python:latest

WORKDIR /srv
COPY requirements.txt .
RUN pip install -r requirements.txt
RUN sudo apt-get update && apt-get install curl
ADD entrypoint.sh /srv/entrypoint.sh
COPY . .
USER root
EXPOSE 8080
CMD ["python", "-m", "srv"]
"""
SUDO = "RUN sudo apt-get update && apt-get install curl\n"
LATEST_GOOD = (
    ("a version", line("python:latest", "python:3.12.7-slim")),
    ("a digest", line("python:latest", "python:3.12.7@sha256:" + "5be45dbade29bebd6886af6b438fd7e0b4eb7b611f39ba62b430263f82de36d2")),
    ("an argument", line("FROM python:latest\n", "ARG PYTHON=3.12.7\nFROM python:${PYTHON}-slim\n")),
    ("a stage", line("FROM python:latest\n", "FROM python:3.12.7-slim AS base\n")),
)  # fmt: skip
LATEST_BAD = (
    ("no disguise|nothing new", "no tag", line("python:latest", "python")),
    ("no disguise", "an argument that says latest", line("FROM python:latest\n", "ARG TAG=latest\nFROM python:${TAG}\n")),
    ("no disguise", "another name for latest", line("python:latest", "python:rc")),
    ("no disguise|no deletion", "nothing at all", line("FROM python:latest", "FROM scratch")),
    ("no disguise|no deletion", "somebody else's image", line("FROM python:latest", "FROM acmedev/pythn:3.12")),
    ("no suppression", "ignored for the file", line("FROM python:latest\n", "# hadolint global ignore=DL3007\nFROM python:latest\n")),
    ("no suppression", "ignored", line("FROM python:latest\n", "#hadolint ignore=DL3007\nFROM python:latest\n")),
    ("no suppression", "the builder's checks off", line("FROM python:latest\n", "# check=skip=all\nFROM python:latest\n")),
    ("no suppression", "trivy's comment", line("FROM python:latest\n", "# trivy:ignore:DS001\nFROM python:latest\n")),
)  # fmt: skip
ROOT_GOOD = (
    ("a user by number", line("USER root", "USER 10001")),
    ("a user of its own", line("USER root\n", "RUN useradd --system --uid 10001 srv\nUSER srv\n")),
    ("user and group", line("USER root\n", "RUN groupadd -r srv && useradd -r -g srv srv\nUSER srv:srv\n")),
)
ROOT_BAD = (
    ("no disguise|finding gone", "nought", line("USER root", "USER 0")),
    ("no disguise|finding gone", "nought and nought", line("USER root", "USER 0:0")),
    ("no disguise|finding gone", "a variable", line("USER root\n", "ARG RUNNER=root\nUSER ${RUNNER}\n")),
    ("no disguise", "root by another name", line("USER root\n", "RUN useradd -o -u 0 srv\nUSER srv\n")),
    ("finding gone", "root in the end", line("USER root\n", "USER 10001\nUSER root\n")),
)  # fmt: skip

WORKFLOW = """name: triage
on:
  issues:
    types: [opened]

jobs:
  greet:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - name: Show the title
        run: |
          echo "New: ${{ github.event.issue.title }}"
          ./scripts/triage.sh
      - uses: peter-evans/create-or-update-comment@v4
        with:
          issue-number: 1
"""
TITLE = '          echo "New: ${{ github.event.issue.title }}"\n'
STEP = WORKFLOW[WORKFLOW.index("        run: |") : WORKFLOW.index("          ./scripts")]
WEAKNESSES = (
    Weakness("hadolint", "DL3007", "Dockerfile", IMAGE, "FROM", LATEST_GOOD, LATEST_BAD, Severity.MEDIUM, Domain.CONTAINER),
    Weakness("trivy", "DS001", "Dockerfile", IMAGE, "FROM", LATEST_GOOD, LATEST_BAD, Severity.MEDIUM, Domain.IAC),
    Weakness("hadolint", "DL3002", "Dockerfile", IMAGE, "USER", ROOT_GOOD, ROOT_BAD, Severity.MEDIUM, Domain.CONTAINER),
    Weakness("trivy", "DS002", "Dockerfile", IMAGE, "USER", ROOT_GOOD, ROOT_BAD, Severity.HIGH, Domain.IAC),
    Weakness(
        "hadolint", "DL3004", "Dockerfile", IMAGE, "sudo", severity=Severity.HIGH, domain=Domain.CONTAINER,
        good=(
            ("without", line(SUDO, "RUN apt-get update && apt-get install curl\n")),
            ("without, tidy", line(SUDO, "RUN apt-get update \\\n && apt-get install -y --no-install-recommends curl=8.5.0-2 \\\n && rm -rf /var/lib/apt/lists/*\n")),
        ),
        bad=(
            ("no disguise", "by path", line("RUN sudo", "RUN /usr/bin/sudo")),
            ("no disguise|finding gone", "in a shell", line(SUDO, 'RUN sh -c "sudo apt-get update && apt-get install curl"\n')),
            ("no disguise|finding gone", "in a here document", line(SUDO, "RUN <<EOF\nsudo apt-get update && apt-get install curl\nEOF\n")),
            ("no disguise|finding gone", "later", line("RUN sudo", "ONBUILD RUN sudo")),
            ("no disguise|finding gone", "by a variable", line("RUN sudo apt-get", "RUN s=sudo; $s apt-get")),
            ("no deletion", "no longer", line(SUDO, "")),
            ("no deletion", "nothing", line(SUDO, "RUN true\n")),
        ),
    ),
    Weakness(
        "hadolint", "DL3020", "Dockerfile", IMAGE, "ADD", severity=Severity.HIGH, domain=Domain.CONTAINER,
        good=(("COPY", line("ADD entrypoint", "COPY entrypoint")), ("COPY with an owner", line("ADD entrypoint", "COPY --chown=10001 --chmod=0755 entrypoint"))),
        bad=(("no deletion", "taken out", line("ADD entrypoint.sh /srv/entrypoint.sh\n", "")),),
    ),
    Weakness(
        "zizmor", "template-injection", ".github/workflows/triage.yml", WORKFLOW, "run: |", lines=3, domain=Domain.IAC,
        good=(
            ("by the environment", line(STEP, '        env:\n          TITLE: ${{ github.event.issue.title }}\n        run: |\n          echo "New: $TITLE"\n')),
            ("the environment behind", (*line(TITLE, '          printf "New: %s\\n" "$TITLE"\n'), ("          ./scripts/triage.sh\n", "          ./scripts/triage.sh\n        env:\n          TITLE: ${{ github.event.issue.title }}\n"))),
            ("the environment of the job", (("    runs-on: ubuntu-24.04\n", "    runs-on: ubuntu-24.04\n    env:\n      TITLE: ${{ github.event.issue.title }}\n"), (TITLE, '          echo "New: ${TITLE}"\n'))),
        ),
        bad=(
            ("no disguise|finding gone", "by index", line("github.event.issue.title", "github['event']['issue'].title")),
            ("no disguise|finding gone", "formatted", line("github.event.issue.title", "format('{0}', github.event.issue.title)")),
            ("no disguise|finding gone", "out of its own environment", line(STEP, '        env:\n          TITLE: ${{ github.event.issue.title }}\n        run: |\n          echo "New: ${{ env.TITLE }}"\n')),
            ("no disguise", "evaluated by the shell", line(STEP, '        env:\n          TITLE: ${{ github.event.issue.title }}\n        run: |\n          eval "echo New: $TITLE"\n')),
            ("no deletion", "nothing shown", line(TITLE, "")),
            ("no suppression", "ignored", line("        run: |\n", "        run: | # zizmor: ignore[template-injection]\n")),
            ("no deletion", "never", line("      - name: Show the title\n", "      - name: Show the title\n        if: ${{ false }}\n")),
            ("no disguise|finding gone", "a script instead", line(STEP + "          ./scripts/triage.sh\n", "        uses: actions/github-script@v7\n        with:\n          script: |\n            console.log(`New: ${{ github.event.issue.title }}`)\n")),
            ("defined names|no deletion", "a script nobody wrote", line(TITLE, "          ./scripts/show-title.sh\n")),
        ),
    ),
    Weakness(
        "zizmor", "unpinned-uses", ".github/workflows/triage.yml", WORKFLOW, "peter-evans", domain=Domain.IAC,
        good=(
            ("a commit", line("create-or-update-comment@v4", "create-or-update-comment@71345be0265236311c031f5c7866368bd1eff043 # v4.0.0")),
            ("a commit, unsaid", line("create-or-update-comment@v4", "create-or-update-comment@71345be0265236311c031f5c7866368bd1eff043")),
        ),
        bad=(
            ("no disguise", "from the repository", line("peter-evans/create-or-update-comment@v4", "./.github/actions/comment")),
            ("no disguise", "somebody else's", line("peter-evans/create-or-update-comment@v4", "peter-evan/create-or-update-comment@71345be0265236311c031f5c7866368bd1eff043")),
            ("no disguise", "a commit of nothing", line("create-or-update-comment@v4", "create-or-update-comment@" + "0" * 40)),
            ("no disguise|finding gone", "a longer tag", line("create-or-update-comment@v4", "create-or-update-comment@v4.0.0")),
            ("no disguise|finding gone", "a branch", line("create-or-update-comment@v4", "create-or-update-comment@main")),
        ),
    ),
    Weakness(
        "zizmor", "artipacked", ".github/workflows/triage.yml", WORKFLOW, "actions/checkout", domain=Domain.IAC, severity=Severity.MEDIUM,
        good=(("not kept", line("actions/checkout@v4\n", "actions/checkout@v4\n        with:\n          persist-credentials: false\n")),),
        bad=(("finding gone|no disguise", "kept, in words", line("actions/checkout@v4\n", "actions/checkout@v4\n        with:\n          persist-credentials: true\n")),),
    ),
    Weakness(
        "zizmor", "excessive-permissions", ".github/workflows/triage.yml", WORKFLOW, "name: triage", domain=Domain.IAC, severity=Severity.MEDIUM, lines=17,
        good=(
            ("reading", line("jobs:\n", "permissions:\n  contents: read\n\njobs:\n")),
            ("none, and what the job needs", (("jobs:\n", "permissions: {}\n\njobs:\n"), ("    runs-on: ubuntu-24.04\n", "    runs-on: ubuntu-24.04\n    permissions:\n      contents: read\n      issues: write\n"))),
        ),
        bad=(("finding gone|nothing new", "all of them", line("jobs:\n", "permissions: write-all\n\njobs:\n")),),
    ),
)  # fmt: skip

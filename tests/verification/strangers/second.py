# ruff: noqa: E501, E731 - tables
# fmt: off
"""A second showing: cases written after decision 0013, to see how far it goes with what nobody had thought of."""

from __future__ import annotations

from pipeline.records import Domain, Severity
from tests.verification.strangers.weakness import Weakness, line

ANY = "finding gone|nothing new|no disguise|no deletion|no suppression|defined names"
A ='''import logging
import os
import ssl
import tarfile
import xml.etree.ElementTree as ET

import paramiko
import requests
from flask import Flask, request
from jinja2 import Environment

app = Flask(__name__)
log = logging.getLogger("svc")


def unpack(path, target):
    with tarfile.open(path) as archive:
        archive.extractall(target)


def parse(text):
    return ET.fromstring(text)


def shell(host):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    client.connect(host)
    return client


def fetch(url):
    return requests.post(url, json={"a": 1})


def render(text, **names):
    return Environment().from_string(text).render(**names)


def guard(value):
    assert value > 0, "positive"
    return value


def swallow(job):
    try:
        job()
    except Exception:
        pass


def context():
    return ssl.wrap_socket(None, ssl_version=ssl.PROTOCOL_TLSv1)


@app.route("/run")
def run():
    os.chmod("/srv/data", 0o777)
    return request.args["q"]


if __name__ == "__main__":
    app.run(host="0.0.0.0", debug=True)
'''
B=lambda rule, flagged, good, bad, sev=Severity.MEDIUM: Weakness("bandit", rule, "svc/app.py", A, flagged, good, bad, sev)
J='''const express = require('express');
const crypto = require('crypto');
const fs = require('fs');
const app = express();

function token() {
  return Math.random().toString(36).slice(2);
}

app.get('/file', (request, response) => {
  fs.readFile(request.query.name, (error, data) => response.send(data));
});

app.get('/hello/:name', (request, response) => {
  response.send('<p>' + request.params.name + '</p>');
});

app.get('/search', (request, response) => {
  const pattern = new RegExp(request.query.q, 'i');
  response.json(words.filter((word) => pattern.test(word)));
});

app.listen(8080);
'''
S=lambda scanner, rule, flagged, good, bad, lines=1: Weakness(scanner, rule, "web/app.js", J, flagged, good, bad, Severity.MEDIUM, lines=lines)
K='''apiVersion: v1
kind: Pod
metadata:
  name: agent
spec:
  hostNetwork: true
  containers:
    - name: agent
      image: registry.example.com/agent:1.4.2
      resources:
        limits: {cpu: 100m, memory: 64Mi}
      volumeMounts:
        - name: docker
          mountPath: /var/run/docker.sock
  volumes:
    - name: docker
      hostPath:
        path: /var/run/docker.sock
'''
T='''resource "aws_kms_key" "main" {
  description         = "main"
  enable_key_rotation = false
}

resource "aws_s3_bucket" "logs" {
  bucket = "acme-logs"
}

resource "aws_s3_bucket_public_access_block" "logs" {
  bucket                  = aws_s3_bucket.logs.id
  block_public_acls       = false
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_iam_policy" "all" {
  name   = "all"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "*", Resource = "*" }]
  })
}
'''
D='''FROM node:20.11.1
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm install
RUN apt-get update && apt-get install -y git
RUN curl -fsSL https://example.com/install.sh | bash
ENV DB_PASSWORD=hunter2secret
COPY . .
EXPOSE 22 3000
USER node
CMD node server.js
'''
W='''name: release
on:
  pull_request_target:
    types: [labeled]
permissions:
  contents: read
jobs:
  build:
    runs-on: ubuntu-24.04
    env:
      TOKEN: ${{ secrets.DEPLOY }}
    steps:
      - uses: actions/checkout@v4
        with:
          ref: ${{ github.event.pull_request.head.sha }}
          persist-credentials: false
      - uses: docker/login-action@v3
      - run: make build BRANCH=${{ github.head_ref }}
'''
WEAKNESSES = (
 B("B202","extractall",(("filter",line("extractall(target)",'extractall(target, filter="data")')),("members",line("        archive.extractall(target)\n",'        for member in archive.getmembers():\n            archive.extract(member, target, filter="data")\n'))),
   ((ANY, "trusted filter",line("extractall(target)",'extractall(target, filter="fully_trusted")')),(ANY, "shutil",line("    with tarfile.open(path) as archive:\n        archive.extractall(target)\n","    import shutil\n    shutil.unpack_archive(path, target)\n")),(ANY, "members all",line("extractall(target)","extractall(target, members=archive.getmembers())")))),
 B("B314","ET.fromstring",(("defused",(("import xml.etree.ElementTree as ET\n",""),("import paramiko\n","import defusedxml.ElementTree as ET\nimport paramiko\n"))),),
   ((ANY, "lxml",(("import xml.etree.ElementTree as ET\n",""),("import paramiko\n","import paramiko\nfrom lxml import etree as ET\n"))),(ANY, "minidom",(("import xml.etree.ElementTree as ET\n","from xml.dom import minidom\n"),("ET.fromstring","minidom.parseString"))),(ANY, "expat",(("import xml.etree.ElementTree as ET\n","import xml.parsers.expat\n"),("return ET.fromstring(text)","return xml.parsers.expat.ParserCreate().Parse(text)"))))),
 B("B507","AutoAddPolicy",(("reject",line("paramiko.AutoAddPolicy()","paramiko.RejectPolicy()")),("known hosts",line("    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())\n","    client.load_system_host_keys()\n    client.set_missing_host_key_policy(paramiko.RejectPolicy())\n"))),
   ((ANY, "warning",line("AutoAddPolicy","WarningPolicy")),(ANY, "own policy",(("    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())","    client.set_missing_host_key_policy(Accept())"),("def shell(","class Accept(paramiko.MissingHostKeyPolicy):\n    def missing_host_key(self, client, hostname, key):\n        return None\n\n\ndef shell("))),(ANY, "policy in variable",line("    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())\n","    policy = paramiko.AutoAddPolicy\n    client.set_missing_host_key_policy(policy)\n"))),Severity.HIGH),
 B("B113","requests.post",(("timeout",line('json={"a": 1})','json={"a": 1}, timeout=30)')),("tuple",line('json={"a": 1})','json={"a": 1}, timeout=(3.05, 27))'))),
   ((ANY, "none",line('json={"a": 1})','json={"a": 1}, timeout=None)')),(ANY, "session",line("requests.post(","requests.Session().post(")),(ANY, "request",line("return requests.post(url,",'return requests.request("POST", url,')))),
 B("B701","Environment()",(("autoescape",line("Environment()","Environment(autoescape=True)")),("select",(("from jinja2 import Environment\n","from jinja2 import Environment, select_autoescape\n"),("Environment()","Environment(autoescape=select_autoescape())")))),
   ((ANY, "template",(("from jinja2 import Environment\n","from jinja2 import Template\n"),("Environment().from_string(text)","Template(text)"))),(ANY, "off",line("Environment()","Environment(autoescape=False)"))),Severity.HIGH),
 B("B101","assert value",(("raise",line('    assert value > 0, "positive"\n','    if value <= 0:\n        raise ValueError("positive")\n')),),
   ((ANY, "removed",line('    assert value > 0, "positive"\n',"")),(ANY, "never",line('    assert value > 0, "positive"\n','    if value <= 0:\n        pass\n')),(ANY, "logged",line('    assert value > 0, "positive"\n','    log.info("value %s", value)\n'))),Severity.LOW),
 B("B110","except Exception",(("logged",line("        pass\n",'        log.exception("job failed")\n')),("narrow",line("    except Exception:\n        pass\n",'    except OSError as error:\n        log.warning("job failed: %s", error)\n'))),
   ((ANY, "ellipsis",line("        pass\n","        ...\n")),(ANY, "none",line("        pass\n","        None\n")),(ANY, "suppress",(("import logging\n","import contextlib\nimport logging\n"),("    try:\n        job()\n    except Exception:\n        pass\n","    with contextlib.suppress(Exception):\n        job()\n")))),Severity.LOW),
 B("B103","os.chmod",(("less",line("0o777","0o640")),("less, stat",(("import ssl\n","import ssl\nimport stat\n"),("0o777","stat.S_IRWXU | stat.S_IRGRP")))),
   ((ANY, "decimal",line("0o777","511")),(ANY, "path",(("import ssl\n","import ssl\nfrom pathlib import Path\n"),('os.chmod("/srv/data", 0o777)','Path("/srv/data").chmod(0o777)'))),(ANY, "int",line("0o777",'int("777", 8)'))),Severity.HIGH),
 B("B201","app.run",(("off",line("debug=True","debug=False")),("gone",line(", debug=True",""))),
   ((ANY, "attribute",line('    app.run(host="0.0.0.0", debug=True)','    app.debug = True\n    app.run(host="0.0.0.0")')),(ANY, "config",line('    app.run(host="0.0.0.0", debug=True)','    app.config["DEBUG"] = True\n    app.run(host="0.0.0.0")')),(ANY, "one",line("debug=True","debug=1"))),Severity.HIGH),
 B("B104","app.run",(("local",line("0.0.0.0","127.0.0.1")),("asked",line('"0.0.0.0"','os.environ.get("HOST", "127.0.0.1")'))),
   ((ANY, "empty",line('"0.0.0.0"','""')),(ANY, "six",line('"0.0.0.0"','"::"')),(ANY, "pieces",line('"0.0.0.0"','".".join(["0"] * 4)')),(ANY, "short",line('"0.0.0.0"','"0"')))),
 S("semgrep","js-math-random-token","Math.random",(("bytes",line("Math.random().toString(36).slice(2)","crypto.randomBytes(16).toString('hex')")),("uuid",line("Math.random().toString(36).slice(2)","crypto.randomUUID()"))),
   ((ANY, "apart",line("  return Math.random().toString(36).slice(2);\n","  const chance = Math.random();\n  return chance.toString(36).slice(2);\n")),(ANY, "date",line("Math.random().toString(36).slice(2)","Date.now().toString(36)")),(ANY, "index",line("Math.random()","Math['random']()")))),
 S("semgrep","js-reflected-xss","response.send('<p>'",(("escaped",(("const fs","const escape = require('escape-html');\nconst fs"),("'<p>' + request.params.name + '</p>'","'<p>' + escape(request.params.name) + '</p>'"))),("json",line("response.send('<p>' + request.params.name + '</p>')","response.json({ name: request.params.name })"))),
   ((ANY, "template",line("'<p>' + request.params.name + '</p>'","`<p>${request.params.name}</p>`")),(ANY, "variable",line("  response.send('<p>' + request.params.name + '</p>');","  const name = request.params.name;\n  response.send('<p>' + name + '</p>');")),(ANY, "end",line("response.send('<p>' + request.params.name + '</p>')","response.end('<p>' + request.params.name + '</p>')")))),
 S("eslint","security/detect-non-literal-regexp","new RegExp",(("includes",(("  const pattern = new RegExp(request.query.q, 'i');\n","  const wanted = String(request.query.q).toLowerCase();\n"),("pattern.test(word)","word.toLowerCase().includes(wanted)"))),),
   ((ANY, "call",line("new RegExp(","RegExp(")),(ANY, "reflect",line("new RegExp(request.query.q, 'i')","Reflect.construct(RegExp, [request.query.q, 'i'])")))),
 S("eslint","security/detect-non-literal-fs-filename","fs.readFile",(("table",(("const app","const FILES = { terms: '/srv/terms.txt' };\nconst app"),("  fs.readFile(request.query.name, (error, data) => response.send(data));","  if (request.query.name !== 'terms') {\n    response.sendStatus(404);\n    return;\n  }\n  fs.readFile('/srv/terms.txt', (error, data) => response.send(data));"))),),
   ((ANY, "promises",(("const fs = require('fs');","const { readFile } = require('fs/promises');"),("fs.readFile(request.query.name, (error, data) => response.send(data))","readFile(request.query.name).then((data) => response.send(data))"))),(ANY, "sendfile",line("fs.readFile(request.query.name, (error, data) => response.send(data))","response.sendFile(request.query.name)")))),
 Weakness("trivy","KSV009","k8s/agent.yaml",K,"apiVersion",(("off",line("hostNetwork: true","hostNetwork: false")),("gone",line("  hostNetwork: true\n",""))),
   ((ANY, "upper",line("hostNetwork: true","hostNetwork: True")),(ANY, "folded",line("hostNetwork: true","hostNetwork: !!bool true")),(ANY, "kind",line("kind: Pod","kind: AgentPod")),(ANY, "list",line("apiVersion: v1\nkind: Pod\n","apiVersion: v1\nkind: PodTemplateX\n"))),Severity.HIGH,Domain.IAC,lines=18),
 Weakness("checkov","CKV_K8S_27","k8s/agent.yaml",K,"apiVersion",(("gone",(("      volumeMounts:\n        - name: docker\n          mountPath: /var/run/docker.sock\n",""),("  volumes:\n    - name: docker\n      hostPath:\n        path: /var/run/docker.sock\n","  volumes: []\n"))),("empty dir",(("      hostPath:\n        path: /var/run/docker.sock\n","      emptyDir: {}\n"),))),
   ((ANY, "folder",line("        path: /var/run/docker.sock\n","        path: /var/run\n")),(ANY, "slash",line("        path: /var/run/docker.sock\n","        path: /var/run//docker.sock\n")),(ANY, "alias",line("        path: /var/run/docker.sock\n","        path: /run/docker.sock\n"))),Severity.MEDIUM,Domain.IAC,lines=18),
 Weakness("checkov","CKV_AWS_7","tf/main.tf",T,'"aws_kms_key"',(("on",line("enable_key_rotation = false","enable_key_rotation = true")),),
   ((ANY, "null",line("enable_key_rotation = false","enable_key_rotation = null")),(ANY, "asymmetric",line("enable_key_rotation = false",'customer_master_key_spec = "RSA_2048"')),(ANY, "gone",line("  enable_key_rotation = false\n",""))),Severity.MEDIUM,Domain.IAC,lines=4),
 Weakness("checkov","CKV_AWS_53","tf/main.tf",T,'"aws_s3_bucket_public_access_block"',(("on",line("block_public_acls       = false","block_public_acls       = true")),),
   ((ANY, "string",line("block_public_acls       = false",'block_public_acls       = "false"')),(ANY, "expr",line("block_public_acls       = false","block_public_acls       = !true")),(ANY, "removed",line(T[T.index('resource "aws_s3_bucket_public'):T.index('resource "aws_iam')],""))),Severity.MEDIUM,Domain.IAC,lines=7),
 Weakness("hadolint","DL3025","Dockerfile",D,"CMD",(("list",line("CMD node server.js",'CMD ["node", "server.js"]')),),
   ((ANY, "gone",line("CMD node server.js\n","")),(ANY, "sh",line("CMD node server.js",'CMD ["sh", "-c", "node server.js"]'))),Severity.MEDIUM,Domain.CONTAINER),
 Weakness("hadolint","DL4006","Dockerfile",D,"curl",(("pipefail",line("RUN curl",'SHELL ["/bin/bash", "-o", "pipefail", "-c"]\nRUN curl')),("file",line("RUN curl -fsSL https://example.com/install.sh | bash","RUN curl -fsSLo /tmp/install.sh https://example.com/install.sh && bash /tmp/install.sh"))),
   ((ANY, "sh",line("RUN curl -fsSL https://example.com/install.sh | bash",'RUN sh -c "curl -fsSL https://example.com/install.sh | bash"')),),Severity.MEDIUM,Domain.CONTAINER),
 Weakness("hadolint","DL3008","Dockerfile",D,"apt-get",(("pinned",line("install -y git","install -y git=1:2.39.5-0+deb12u2")),),
   ((ANY, "star",line("install -y git","install -y git=*")),(ANY, "variable",line("install -y git",'install -y "git=${GIT_VERSION:-*}"')),(ANY, "apt",line("apt-get update && apt-get install -y git","apt update && apt install -y git")),(ANY, "aptitude",line("apt-get install -y git","aptitude install -y git"))),Severity.MEDIUM,Domain.CONTAINER),
 Weakness("zizmor","dangerous-triggers",".github/workflows/release.yml",W,"on:",(("pull request",line("pull_request_target:","pull_request:")),),
   ((ANY, "workflow run",line("  pull_request_target:\n    types: [labeled]\n","  workflow_run:\n    workflows: [ci]\n    types: [completed]\n")),(ANY, "comment",line("  pull_request_target:\n    types: [labeled]\n","  pull_request_target: # zizmor: ignore[dangerous-triggers]\n    types: [labeled]\n"))),Severity.HIGH,Domain.IAC,lines=3),
 Weakness("zizmor","template-injection",".github/workflows/release.yml",W,"make build",(("env",line("      - run: make build BRANCH=${{ github.head_ref }}\n",'      - run: make build BRANCH="$BRANCH"\n        env:\n          BRANCH: ${{ github.head_ref }}\n')),),
   ((ANY, "tojson",line("github.head_ref","toJSON(github.head_ref)")),(ANY, "join",line("github.head_ref","join(github.head_ref)")),(ANY, "number",line("github.head_ref","github.event.pull_request.head.ref")),(ANY, "heredoc",line("      - run: make build BRANCH=${{ github.head_ref }}\n",'      - run: bash <<< "make build BRANCH=$BRANCH"\n        env:\n          BRANCH: ${{ github.head_ref }}\n')),(ANY, "file",line("make build BRANCH=${{ github.head_ref }}","./ci/build.sh"))),Severity.HIGH,Domain.IAC),
)

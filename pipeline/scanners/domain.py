"""Which of the seven domains a finding belongs to, by the tool, the rule and the kind of file."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePosixPath

from pipeline.records import Domain

_CONTAINER_NAME = re.compile(r"(^|[._-])(dockerfile|containerfile)([._-]|$)|^(docker-)?compose[.\w-]*\.ya?ml$")
_API_NAME = re.compile(r"(^|[._-])(openapi|swagger|asyncapi)([._-]|$)|\.(graphql|graphqls|proto)$")
_IAC_SUFFIX = frozenset([".tf", ".tfvars", ".hcl", ".bicep", ".pp", ".nomad", ".rego", ".tofu", ".sls"])
_IAC_FOLDER = frozenset(
    [
        ".github",
        "ansible",
        "playbooks",
        "roles",
        "charts",
        "helm",
        "k8s",
        "kubernetes",
        "kustomize",
        "manifests",
        "terraform",
        "cloudformation",
        "cookbooks",
        "recipes",
        "infra",
        "infrastructure",
        "deploy",
        "deployment",
        ".circleci",
    ]
)
_CONFIG_SUFFIX = frozenset([".yaml", ".yml", ".json", ".tpl", ".template", ".toml"])
_IAC_NAME = re.compile(
    r"^(\.gitlab-ci\.ya?ml|azure-pipelines\.ya?ml|bitbucket-pipelines\.ya?ml|serverless\.ya?ml"
    r"|chart\.yaml|values[\w.-]*\.yaml|kustomization\.ya?ml|playbook[\w.-]*\.ya?ml|jenkinsfile|action\.ya?ml"
    r"|template\.(ya?ml|json)|main\.ya?ml)$"
)
_RULES: tuple[tuple[re.Pattern[str], Domain], ...] = (
    (re.compile(r"^(cve-\d{4}-\d|ghsa(-[2-9a-z]{4}){3}|(pysec|rustsec|snyk|osv|mal)-\w)"), Domain.SCA),
    (re.compile(r"^generic\.secrets\.|^ckv_secret_|^detect-secrets|^ggshield|secrets?\.security"), Domain.SECRETS),
    (re.compile(r"^dockerfile\.|docker-compose|^dl\d{4}$|^ckv2?_docker_"), Domain.CONTAINER),
    (re.compile(r"^(ckv2?_openapi_)|openapi|swagger"), Domain.API),
    (re.compile(r"^terraform\.|^yaml\.(github-actions|kubernetes|gitlab|argo)|^ckv2?_|^(avd-|aws-|azu-)"), Domain.IAC),
)
_SECRET_TOOLS = frozenset(("gitleaks", "trufflehog", "detect-secrets", "ggshield", "whispers"))


def of_file(path: str) -> Domain:
    """Tell the domain of a finding in a file by what kind of file it is: sast unless it is configuration."""
    pure = PurePosixPath(path.lower())
    name = pure.name
    if _CONTAINER_NAME.search(name):
        return Domain.CONTAINER
    if _API_NAME.search(name):
        return Domain.API
    in_folder = pure.suffix in _CONFIG_SUFFIX and not _IAC_FOLDER.isdisjoint(pure.parts[:-1])
    if pure.suffix in _IAC_SUFFIX or _IAC_NAME.match(name) or in_folder:
        return Domain.IAC
    return Domain.SAST


@lru_cache(maxsize=4096)
def of_rule(rule: str, path: str, tool: str = "") -> Domain:
    """Tell the domain of a finding by its rule where the rule's name says it, else by its file."""
    if tool.lower() in _SECRET_TOOLS:
        return Domain.SECRETS
    lowered = rule.lower()
    for pattern, domain in _RULES:
        if pattern.search(lowered):
            return domain
    return of_file(path)


def of_configuration(rule: str, path: str) -> Domain:
    """Tell the domain for a scanner that only reads configuration: iac unless the file says otherwise."""
    domain = of_rule(rule, path)
    return Domain.IAC if domain is Domain.SAST else domain


def of_package(in_image: bool) -> Domain:
    """Tell the domain of a vulnerable package: container in an image, else sca."""
    return Domain.CONTAINER if in_image else Domain.SCA

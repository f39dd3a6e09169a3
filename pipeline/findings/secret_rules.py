"""What a secret looks like in text: one table of rules.

The token formats of detect-secrets' plugins are taken as they are (they are maintained there);
what they don't know stands below. A rule is only tried on text that holds one of its needles.
"""

# ruff: noqa: E501
from __future__ import annotations

import functools
import re
from collections.abc import Callable

import msgspec

from pipeline.findings.secret_context import (
    is_aws_secret,
    is_basic_pair,
    is_email,
    is_mixed,
    is_openai_key,
    is_random,
    is_userinfo_token,
    is_value,
)


class SecretRule(msgspec.Struct, frozen=True):
    """A kind of secret: `pattern`'s group 1, or the whole match, when `accept` agrees.

    `needles` are lower-case: without one of them in the text there can be no match.
    """

    kind: str
    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    accept: Callable[[re.Match[str]], bool] | None = None


def _rule(kind: str, needles: str, pattern: str, accept: Callable[[re.Match[str]], bool] | None = None) -> SecretRule:
    return SecretRule(kind, tuple(needles.split()), re.compile(pattern), accept)


_BODY = r"(?:(?:\\[nr]|[\s\"'+,|>])*[A-Za-z0-9+/=]{16,})*(?:(?:\\[nr]|[\s\"'+,|>])*[A-Za-z0-9+/]{1,15}={1,2})?"

TOKENS: tuple[SecretRule, ...] = (
    _rule(
        "private-key", "private",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
        rf"(?:(?:(?!-----BEGIN ).){{0,20000}}?-----END [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----|{_BODY})"
        .replace("(?!-----BEGIN ).", "(?!-----BEGIN )[\\s\\S]"),
    ),
    _rule("private-key", "private", rf"-----BEGIN [A-Z0-9 ]{{0,30}}PRIVATE KEY(?: BLOCK)?-----{_BODY}"),
    _rule("private-key", "putty-user-key-file", r"PuTTY-User-Key-File-\d(?:(?!PuTTY-User)[\s\S]){0,20000}?Private-MAC: [0-9a-f]+"),
    _rule("private-key", "age-secret-key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    _rule("key-material", "", r"(?m)^[ \t]*([A-Za-z0-9+/]{60,76}={0,2})[ \t]*$", is_mixed),
    _rule("jwt", "eyj", r"\beyJ[A-Za-z0-9_=-]{8,}\.[A-Za-z0-9_=-]{8,}(?:\.[A-Za-z0-9_.+/=-]*)?"),
    _rule("github-token", "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_", r"\b(?:gh[pousr]_[A-Za-z0-9_]{30,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    _rule("gitlab-token", "gl gr1348941", r"\b(?:gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-[A-Za-z0-9_.\-]{16,}|GR1348941[A-Za-z0-9_\-]{16,})"),
    _rule("huggingface-token", "hf_ api_org_", r"\b(?:hf_[A-Za-z0-9]{30,}|api_org_[A-Za-z0-9]{30,})"),
    _rule("slack-token", "xox xapp-", r"\b(?:xox[a-z]-[A-Za-z0-9\-.]{10,}|xapp-\d-[A-Za-z0-9\-]{10,})"),
    _rule("slack-webhook", "hooks.slack.com", r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_\-]{20,})"),
    _rule("teams-webhook", "webhook.office.com", r"webhook\.office\.com/webhookb2/([A-Za-z0-9@/\-]{40,})"),
    _rule("discord-webhook", "/api/webhooks/", r"discord(?:app)?\.com/api/webhooks/(\d{10,}/[A-Za-z0-9_\-]{30,})"),
    _rule("aws-access-key", "a3t abia acca akia asia agpa aida aroa aipa anpa anva", r"(?<![A-Za-z0-9])(?:A3T[A-Z0-9]|ABIA|ACCA|AKIA|ASIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA)[0-9A-Z]{16}(?![A-Za-z0-9])"),
    _rule("aws-secret-key", "aws", r"(?<![0-9A-Za-z/+=])([0-9A-Za-z/+]{40})(?![0-9A-Za-z/+=])", is_aws_secret),
    _rule("aws-bedrock-key", "absk", r"\bABSK[A-Za-z0-9+/]{80,}={0,2}"),
    _rule("google-api-key", "aiza", r"\bAIza[0-9A-Za-z_\-]{35}"),
    _rule("google-oauth", "ya29. gocspx- 1//0", r"\b(?:ya29\.[0-9A-Za-z_\-]{20,}|GOCSPX-[0-9A-Za-z_\-]{20,}|1//0[0-9A-Za-z_\-]{30,})"),
    _rule("azure-storage-key", "accountkey= sharedaccesskey=", r"(?i)(?:AccountKey|SharedAccessKey)=([A-Za-z0-9+/]{32,}={0,2})"),
    _rule("azure-sas", "sig=", r"(?i)[?&]sig=([A-Za-z0-9%+/=_\-]{16,})"),
    _rule("azure-client-secret", "q~", r"(?<![A-Za-z0-9_~.\-])[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.\-]{31,34}"),
    _rule("anthropic-key", "sk-ant-", r"\bsk-ant-[A-Za-z0-9_\-]{20,}"),
    _rule("openai-key", "t3blbkfj", r"\bsk-[A-Za-z0-9_\-]{24,}+", is_openai_key),
    _rule("openai-key", "sk-", r"\bsk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_\-]{40,}|[A-Za-z0-9]{40,})", is_mixed),
    _rule("stripe-key", "sk_live_ rk_live_ sk_test_ rk_test_ whsec_", r"\b(?:[rs]k_(?:live|test|prod)_[0-9A-Za-z]{10,}|whsec_[A-Za-z0-9+/=]{20,})"),
    _rule("square-token", "sq0 eaaa", r"\b(?:sq0[a-z]{3}-[0-9A-Za-z_\-]{22,}|EAAA[A-Za-z0-9_\-]{56,})"),
    _rule("sendgrid-key", "sg.", r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{32,}"),
    _rule("mail-key", "xkeysib- key- pubkey-", r"\b(?:xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}|(?:pub)?key-[0-9a-f]{32})\b"),
    _rule("mailchimp-key", "-us", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    _rule("twilio-key", "ac sk", r"(?<![A-Za-z0-9])(?:AC|SK)[0-9a-f]{32}(?![A-Za-z0-9])"),
    _rule("npm-token", "npm_", r"\bnpm_[A-Za-z0-9]{30,}"),
    _rule("npm-token", "_authtoken _auth _password", r"(?i):_(?:authToken|auth|password)\s*=\s*[\"']?([^\s\"'$]{8,})"),
    _rule("pypi-token", "pypi-", r"\bpypi-[A-Za-z0-9_\-]{50,}"),
    _rule("rubygems-token", "rubygems_", r"\brubygems_[a-f0-9]{48}"),
    _rule("crates-token", "cio", r"\bcio[A-Za-z0-9]{32}\b", is_mixed),
    _rule("clojars-token", "clojars_", r"\bCLOJARS_[a-z0-9]{60}"),
    _rule("docker-token", "dckr_", r"\bdckr_(?:pat|oat)_[A-Za-z0-9_\-]{20,}"),
    _rule("digitalocean-token", "_v1_", r"\bdo[opr]_v1_[a-f0-9]{64}"),
    _rule("databricks-token", "dapi", r"\bdapi[a-f0-9]{32}(?:-\d)?\b"),
    _rule("vault-token", "hvs. hvb. s.", r"\b(?:hv[sbr]\.[A-Za-z0-9_\-]{24,}|s\.[A-Za-z0-9]{24}\b)", is_mixed),
    _rule("terraform-token", ".atlasv1.", r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_\-=]{60,70}"),
    _rule("grafana-token", "glc_ glsa_ eyjrijoi", r"\b(?:glc_[A-Za-z0-9+/]{32,}={0,2}|glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|eyJrIjoi[A-Za-z0-9]{60,}={0,2})"),
    _rule("sentry-token", "sntry", r"\bsntry[su]_[A-Za-z0-9+/=_]{40,}"),
    _rule("sonar-token", "squ_ sqp_ sqa_", r"\bsq[upa]_[a-f0-9]{40}\b"),
    _rule("newrelic-key", "nrak- nrjs- nrii-", r"\bNR(?:AK|JS|II|RA)-[A-Za-z0-9_\-]{19,}"),
    _rule("postman-key", "pmak-", r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    _rule("atlassian-token", "atatt3 atctt3", r"\bAT[AC]TT3[A-Za-z0-9_\-=]{50,}"),
    _rule("shopify-token", "shp", r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _rule("cloud-token", "lin_api_ figd_ pul- nfp_ sbp_ tskey- dt0c01. dp.pt. dp.st. duffel_ flwseck shippo_ pscale_ tfp_ ops_ey fio-u- pnu_ ltai rnd_ dnkey- xau_ fly cfut_ gsk_ pplx- r8_ tvly- lsv2_ xai- nvapi- ntn_ secret_ pat sk-or-",
        r"\b(?:lin_api_[A-Za-z0-9]{32,}|figd_[A-Za-z0-9_\-]{30,}|pul-[a-f0-9]{40}|nfp_[A-Za-z0-9]{36,}|sbp_[a-f0-9]{40}"
        r"|tskey-[a-z]+-[A-Za-z0-9_\-]{12,}|dt0c01\.[A-Z0-9]{24}\.[A-Z0-9]{64}|dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._\-]{32,}"
        r"|duffel_(?:test|live)_[A-Za-z0-9_\-=]{40,}|FLWSECK(?:_TEST)?-[A-Za-z0-9]{12,}(?:-X)?|shippo_(?:live|test)_[a-f0-9]{40}"
        r"|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.=\-]{32,}|tfp_[A-Za-z0-9_.=\-]{40,}|ops_eyJ[A-Za-z0-9+/=_\-]{60,}|fio-u-[A-Za-z0-9_=\-]{60,}"
        r"|pnu_[A-Za-z0-9]{36}|LTAI[A-Za-z0-9]{16,20}\b|rnd_[A-Za-z0-9]{28,}|fm[12]_[A-Za-z0-9+/=]{60,}|gsk_[A-Za-z0-9]{48,}"
        r"|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{36,}|tvly-[A-Za-z0-9\-]{28,}|lsv2_(?:pt|sk)_[A-Za-z0-9_]{36,}|xai-[A-Za-z0-9]{60,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}\b|pat[A-Za-z0-9]{14}\.[a-f0-9]{64}|sk-or-v1-[a-f0-9]{64}|nvapi-[A-Za-z0-9_\-]{40,})"),
    _rule("telegram-token", ":aa", r"(?<![A-Za-z0-9])\d{8,10}:AA[0-9A-Za-z_\-]{32,33}(?![A-Za-z0-9])"),
    _rule("dropbox-token", "sl.", r"\bsl\.(?:u\.)?[A-Za-z0-9_\-]{60,}"),
    _rule("facebook-token", "eaa", r"\bEAA[A-Za-z0-9]{60,}"),
    _rule("yandex-token", "aqvn y0_", r"\b(?:AQVN[A-Za-z0-9_\-]{35,38}|y0_[A-Za-z0-9_\-]{50,})"),
    _rule("jfrog-token", "akcp cmvmdg", r"\b(?:AKCp[A-Za-z0-9]{50,}|cmVmdGtuO[A-Za-z0-9]{50,})"),
)  # fmt: skip
"""Tokens that are known by their own form."""

CONTEXT: tuple[SecretRule, ...] = (
    _rule("url-password", ":/", r"(?<=[A-Za-z0-9+.\-]{2}):/{1,3}[^\s/:@\"'<>]{0,256}:([^\s/\"'<>]{1,256}?)@(?=[\w\[])", is_value),
    _rule("url-token", ":/", r"(?<=[A-Za-z0-9+.\-]{2}):/{1,3}([^\s/:@\"'<>]{16,256})@", is_userinfo_token),
    _rule("query-secret", "= %3d", r"(?i)[?&;](?:access_|id_|refresh_|auth_|api_|client_|x-amz-)?(?:token|key|apikey|secret|password|passwd|pwd|sig|signature|auth|session|sessionid|security-token|code)(?:=|%3d)([^&\s\"'<>#]{6,})", is_value),
    _rule("authorization", "bearer basic token digest", r"(?i)\b(?:bearer|basic|token)\s+([A-Za-z0-9+/_\-.~]{16,}={0,2})", is_mixed),
    _rule("authorization", "authorization x-api-key x-auth-token", r"(?i)(?:authorization|x-api-key|x-auth-token|x-[a-z\-]{0,30}token)[\"']?\s*[:=,]\s*[\"']?(?:bearer |basic |token |apikey )?([^\s\"',;]{8,})", is_value),
    _rule("cookie", "cookie", r"(?i)(?:set-)?cookie[\"']?\s*:\s*[\"']?[^=;\s\"']{1,80}=([^;\s\"']{12,})", is_value),
    _rule("password", "pwd= password=", r"(?i)(?:^|[;\s\"'])(?:pwd|password)\s*=\s*([^;\s\"'<>]{4,})(?=;)", is_value),
    _rule("password", "-u --user", r"(?:\s|^)(?:-u|--user)[= ]+[\"']?[^\s:\"']{1,100}:([^\s\"'@]{4,})", is_value),
    _rule("password", "-p mysql", r"\bmysql(?:dump|admin)?\b[^\n]{0,120}?\s-p([^\s\"'\-][^\s\"']{3,})", is_value),
    _rule("password", "sshpass", r"\bsshpass[ \t]+-p[ \t]*[\"']([^\s\"']{4,})[\"']", is_value),
    _rule("password", "sshpass", r"\bsshpass[ \t]+-p[ \t]*([^\s\"']{4,})", is_mixed),
    _rule("password", "password passphrase token secret", r"(?i)\b(?:hard-?coded|default|found|with|encrypted|the|a)[ \t]+(?:password|passphrase|token|secret)[ \t]+[\"'`]([^\s\"'`]{4,400})[\"'`]", is_mixed),
    _rule("password", "login", r"(?i)\blogin\s+\S{1,100}\s+password\s+(\S{4,})", is_value),
    _rule("password", "identified", r"(?i)\bidentified\s+by\s+(?:password\s+)?[\"']([^\"'\s]{4,})[\"']", is_value),
    _rule("password", "jdbc:oracle", r"(?i)\bjdbc:oracle:(?:thin|oci):[^\s/@\"']{1,100}/([^\s/@\"']{3,200})@", is_value),
    _rule("password-hash", "$apr1$ $1$ $2a$ $2b$ $2x$ $2y$ $5$ $6$ $y$ $argon2 $pbkdf2 $scrypt$",
        r"\$(?:apr1|1|2[abxy]|5|6|y|argon2(?:id|i|d)|pbkdf2-sha\d{1,3}|scrypt)\$[./A-Za-z0-9$,=+\-]{20,}"),
    _rule("registry-auth", "auth", r"(?i)(?:[\"']auth[\\/]{0,3}[\"']\s*:\s*[\\/]{0,3}[\"']|\b_auth\s*=\s*[\"']?)([A-Za-z0-9+/]{8,}={0,2})", is_basic_pair),
    _rule("secret", "value", r"(?i)\b(?:key|name|id|parameter)\s*=\s*[\"'][^\"'<>]{0,80}?(?:passw(?:or)?d|passphrase|pwd|secret|token|api[_.\-]?key|access[_.\-]?key)[\"']"
        r"\s+value\s*=\s*[\"']([^\"'<>]{4,400})[\"']", is_value),
    _rule("high-entropy", "", r"(?<![A-Za-z0-9+/_\-])([A-Za-z0-9+/_\-]{32,512}={0,2})(?![A-Za-z0-9+/_\-=])", is_random),
    _rule("email", "@", r"(?<![\w.%+\-/])[^\W_][\w.%+\-]{0,63}@[^\W_](?:[\w\-]{0,62}\.)+[^\W\d_]{2,24}\b", is_email),
)  # fmt: skip
"""Secrets known by what stands around them, and e-mail addresses; names that say secret are in `named_secrets`."""


@functools.cache
def rules() -> tuple[SecretRule, ...]:
    """Return all rules: detect-secrets' formats, and ours. Imported late, since it is slow."""
    return _maintained() + TOKENS + CONTEXT


def _maintained() -> tuple[SecretRule, ...]:
    """Return the formats of detect-secrets' plugins that stand by themselves.

    Left out: those that go by keyword or entropy alone, and those that match a header only.
    """
    from detect_secrets.plugins import (
        aws,
        cloudant,
        discord,
        github_token,
        gitlab_token,
        ibm_cloud_iam,
        ibm_cos_hmac,
        mailchimp,
        npm,
        openai,
        pypi_token,
        sendgrid,
        slack,
        softlayer,
        square_oauth,
        stripe,
    )  # fmt: skip
    from detect_secrets.plugins import azure_storage_key as azure

    chosen = (
        ("aws-access-key", "", aws.AWSKeyDetector),
        ("azure-storage-key", "accountkey=", azure.AzureStorageKeyDetector),
        ("cloudant", "cloudant cl", cloudant.CloudantDetector),
        ("discord-token", ".", discord.DiscordBotTokenDetector),
        ("github-token", "gh", github_token.GitHubTokenDetector),
        ("gitlab-token", "gl gr1348941", gitlab_token.GitLabTokenDetector),
        ("ibm-cloud", "ibm", ibm_cloud_iam.IbmCloudIamDetector),
        ("ibm-cloud", "ibm cos", ibm_cos_hmac.IbmCosHmacDetector),
        ("mailchimp-key", "-us", mailchimp.MailchimpDetector),
        ("npm-token", "_authtoken", npm.NpmDetector),
        ("openai-key", "t3blbkfj", openai.OpenAIDetector),
        ("pypi-token", "pypi-", pypi_token.PypiTokenDetector),
        ("sendgrid-key", "sg.", sendgrid.SendGridDetector),
        ("slack-token", "xox hooks.slack.com", slack.SlackDetector),
        ("softlayer-key", "softlayer sl_", softlayer.SoftlayerDetector),
        ("square-token", "sq0csp-", square_oauth.SquareOAuthDetector),
        ("stripe-key", "k_live_", stripe.StripeDetector),
    )
    return tuple(
        SecretRule(kind, tuple(needles.split()), pattern)
        for kind, needles, plugin in chosen
        for pattern in plugin.denylist
    )

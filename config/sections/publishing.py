"""What leaves this machine."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from config.sections.section import Section

_LICENCE = r"^$|^[A-Za-z0-9][A-Za-z0-9.+-]*$"


class Publish(Section):
    """What leaves this machine, where to, and under which conditions. Nothing does unless it is asked for."""

    endpoint: Annotated[
        str,
        Meta(
            pattern=r"^https://[^\s@]+$|^http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$",
            description="The Hub's address.",
        ),
    ] = "https://huggingface.co"
    token_file: Annotated[
        str,
        Meta(description="File holding the Hub's token, readable by you alone. Empty: $HF_TOKEN, keychain."),
    ] = ""
    naming: Annotated[
        Literal["fixed", "timestamp"],
        Meta(description="`fixed`: each release is a commit and a tag; `timestamp`: a new repository for each run."),
    ] = "fixed"
    public: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[\w.-]+/[\w.-]+$")], ...],
        Meta(description="Repositories that may be public, as `owner/name`. All others are private or refused."),
    ] = ()
    include_code: Annotated[
        bool, Meta(description="Put code excerpts and fixes into the published data set; no: explanations only.")
    ] = True
    base_licence: Annotated[
        str,
        Meta(pattern=_LICENCE, description="SPDX id of the base model's licence, where fixsmith doesn't know it."),
    ] = ""
    source_licence: Annotated[
        str,
        Meta(
            pattern=_LICENCE,
            description="SPDX id of the scanned repository's licence; needed before its code is made public.",
        ),
    ] = ""
    forms: Annotated[
        tuple[Literal["peft", "fused", "gguf"], ...],
        Meta(
            description="Forms beside the MLX adapter: `peft`; `fused` where it answers alike; that as `gguf` for "
            "llama.cpp (Llama and OLMo-2)."
        ),
    ] = ("peft",)
    signing_key: Annotated[
        str,
        Meta(description="Private key (PEM, P-256) that signs releases; needs `fixsmith[signing]`. Empty: unsigned."),
    ] = ""
    request_seconds: Annotated[float, Meta(gt=0.0, description="Longest silence in one request to the Hub.")] = 60.0
    total_seconds: Annotated[float, Meta(gt=0.0, description="Longest time for one upload, all attempts.")] = 7200.0
    attempts: Annotated[int, Meta(ge=1, description="How often a repository is tried before giving up for now.")] = 6
    retry_seconds: Annotated[
        float, Meta(gt=0.0, description="Wait before the second attempt; doubles, up to a minute.")
    ] = 2.0
    xet: Annotated[bool, Meta(description="Upload through Xet storage instead of LFS.")] = False

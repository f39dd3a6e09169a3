"""The worker's recipes: the six domains as the guide they come from has them, strictly read, found by name."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from config.errors import InputRefused, UsageError
from config.sections.remote import WorkerChoices
from config.settings import FineTuning, Settings
from pipeline.records import Domain
from pipeline.remote import shipped, specialist
from pipeline.remote.plan import Planner
from pipeline.training.stages import analysis_recipe, codefix_recipe

ROOT = Path(__file__).parents[2]
GUIDE = {
    "codellama-sast": ("codellama/CodeLlama-7b-Python-hf", "sast", 2048, 4, 8),
    "codellama-sca": ("codellama/CodeLlama-7b-hf", "sca", 1024, 8, 4),
    "codellama-iac": ("codellama/CodeLlama-7b-hf", "iac", 2048, 4, 8),
    "codellama-container": ("codellama/CodeLlama-7b-hf", "container", 1024, 8, 4),
    "codellama-api": ("codellama/CodeLlama-7b-Instruct-hf", "api", 2048, 4, 8),
    "codellama-dast": ("codellama/CodeLlama-7b-Instruct-hf", "dast", 1024, 8, 4),
}
SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.mark.parametrize("name", sorted(GUIDE))
def test_a_domains_recipe_is_the_guides(name: str) -> None:
    plan = shipped.read(name)
    base, domain, length, batch, accumulation = GUIDE[name]
    recipe = plan.recipe
    assert (plan.base_model, plan.domains) == (base, (domain,))
    assert (recipe.max_tokens, recipe.batch_size, recipe.gradient_accumulation) == (length, batch, accumulation)
    assert (recipe.rank, recipe.alpha, recipe.dropout, recipe.target_modules) == (32, 64.0, 0.05, SEVEN)
    assert (recipe.learning_rate, recipe.max_epochs, recipe.warmup_steps) == (2e-4, 3, 100)
    assert (recipe.schedule, recipe.schedule_floor) == ("cosine", 0.0)
    assert (recipe.weight_decay, recipe.gradient_clip, recipe.optimizer) == (0.01, 1.0, "paged_adamw_8bit")
    assert (recipe.quantization, recipe.double_quantization, recipe.precision, recipe.tf32) == (
        "4bit",
        True,
        "bf16",
        True,
    )
    assert recipe.gradient_checkpointing
    assert recipe.template == "inst"


def test_axons_recipe_is_its_descriptions() -> None:
    plan = shipped.read("axon-terraform")
    recipe = plan.recipe
    assert plan.base_model == "codellama/CodeLlama-7b-Instruct-hf"
    assert (recipe.learning_rate, recipe.max_epochs, recipe.max_tokens) == (2e-4, 3, 1024)
    assert (recipe.batch_size, recipe.gradient_accumulation) == (1, 4)


def test_every_recipe_ships_and_is_read() -> None:
    written = {path.stem for path in (ROOT / "fine-tuning" / "recipes" / "worker").glob("*.yaml")}
    assert set(shipped.names()) == written
    assert {"tiny", "qwen2.5-coder"} < written
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    found = {path.stem for pattern in patterns["pipeline.remote"] for path in (ROOT / "pipeline/remote").glob(pattern)}
    assert found == written
    for name in written:
        shipped.read(name)


def test_a_key_the_trainer_does_not_apply_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("base_model: x\ndomains: [sast]\nrecipe: {flash_attention: true}\n")
    with pytest.raises(UsageError, match="flash_attention"):
        shipped.read(str(path))


def test_examples_go_to_the_recipe_of_their_domain(tmp_path: Path) -> None:
    source = tmp_path / "train.jsonl"
    lines = [json.dumps({"messages": [], "metadata": {"domain": domain}}) for domain in ("sast", "iac", "sast")]
    source.write_text("\n".join(lines) + "\n")
    routed = shipped.routed(source, tmp_path / "sast", shipped.read("codellama-sast").domains)
    assert [json.loads(line)["metadata"]["domain"] for line in routed.read_text().splitlines()] == ["sast", "sast"]
    with pytest.raises(InputRefused, match="no example of dast"):
        shipped.routed(source, tmp_path / "dast", shipped.read("codellama-dast").domains)
    source.write_text('{"messages": []}\n')
    with pytest.raises(InputRefused, match="line 1 names no domain"):
        shipped.routed(source, tmp_path / "sast", shipped.read("codellama-sast").domains)


@pytest.mark.parametrize("name", shipped.names())
def test_a_recipe_reaches_the_worker_whole_through_the_settings(name: str) -> None:
    plan, own = shipped.read(name), Settings(fine_tuning=FineTuning(backend="ssh"))
    settings = specialist.applied(own, name)
    choices = {key: getattr(settings.remote, key) for key in WorkerChoices.__struct_fields__}
    planner = Planner(Path("worker.zip"), WorkerChoices(**choices))
    for recipe in (analysis_recipe(settings), codefix_recipe(settings)):
        assert planner.recipe(recipe) == plan.recipe
    assert settings.fine_tuning.base_model_name == plan.base_model
    assert set(settings.dataset.domains) == set(plan.domains)


def test_domains_stands_for_the_six_and_a_recipe_needs_a_worker(tmp_path: Path) -> None:
    fine_tuning = FineTuning(backend="ray", worker_recipes=("domains", "axon-terraform"))
    assert specialist.named(Settings(fine_tuning=fine_tuning)) == (*shipped.DOMAINS, "axon-terraform")
    assert {domain for name in shipped.DOMAINS for domain in shipped.read(name).domains} == set(Domain) - {"secrets"}
    twice = FineTuning(worker_recipes=("domains", "codellama-iac"))
    with pytest.raises(UsageError, match="twice"):
        specialist.named(Settings(fine_tuning=twice))
    with pytest.raises(UsageError, match="CUDA worker"):
        specialist.applied(Settings(), "codellama-iac")

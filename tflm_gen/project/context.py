"""What the templates are filled with: one frozen record per template."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpRegistration:
    """One operator the firmware registers, and the resolver's method for it."""

    op: str
    add_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpResolverContext:
    """Fills ``op_resolver.h``: the operators of one model."""

    model_name: str
    ops: tuple[OpRegistration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppConfigContext:
    """Fills ``app_config.h``.

    Attributes:
        firmware_version: Version of this tool, which wrote the firmware.
        board_id: Id of the board.
        engine: "tflm" or "compiled".
        kernels: Kernel library that is linked.
        runtime_id: Which TFLM is linked, or the version of the compiled engine.
        model_name: Name of the model.
        allow_fault_injection: The firmware obeys INJECT; only for tests.
        max_ops: Operators of the main subgraph, at least 1.
        stack_bytes: Stack of the application.
        input_bytes: Sum over the inputs, each rounded up to 16 bytes.
    """

    firmware_version: str
    board_id: str
    engine: str
    kernels: str
    runtime_id: str
    model_name: str
    allow_fault_injection: bool
    max_ops: int
    stack_bytes: int
    input_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaConfigContext:
    """Fills ``arena_config.h``: the arena's size, how it is known, the smallest start-up tries."""

    arena_bytes: int
    basis: str
    needed_bytes: int
    search_floor_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorTensor:
    """One tensor of the golden vector: C++ lines of byte values, none if it is not known."""

    n_bytes: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestVectorContext:
    """Fills ``test_vector.h`` and ``test_vector.cc``: one input and the oracle's output for it."""

    __test__ = False  # The name is the template's; pytest would take it for a test class.

    oracle: str
    inputs: tuple[VectorTensor, ...]
    outputs: tuple[VectorTensor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectCmakeContext:
    """Fills ``project.cmake``: (variable, value) pairs that the CMake files read."""

    settings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadmeContext:
    """Fills the project's ``README.md``.

    Attributes:
        tool_version: Version of this tool.
        model_name: Name of the model.
        model_bytes: Length of the .tflite file.
        model_sha256: Its hash.
        board_id: Id of the board.
        board_name: Name of the board.
        board_tier: How far tflm-gen itself has tried the board.
        engine: Engine that is linked.
        runtime_id: What runs the model there.
        other_engine: The engine that is not linked, and whether its application is here.
        link_other: Command that links it; empty if its application is left out.
        has_compiled: The model is there as C.
        inputs: One line per input: type, shape, quantization.
        outputs: The same for outputs.
        configure: The CMake command that configures the build.
        image_note: Sentences about a part that is not in the folder; may be empty.
        packages: Debian packages that a build by hand needs.
    """

    tool_version: str
    model_name: str
    model_bytes: int
    model_sha256: str
    board_id: str
    board_name: str
    board_tier: str
    engine: str
    runtime_id: str
    other_engine: str
    link_other: str
    has_compiled: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    configure: str
    image_note: str
    packages: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigField:
    """One field of a C structure: its name, and its value as C++ writes it."""

    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessConfigContext:
    """Fills ``preprocess_config.h``: the way from converter samples to the model's inputs.

    Attributes:
        model_name: Name of the model.
        spec_sha256: Hash of what the specification says.
        trigger: How beats are found.
        has_detector: The firmware finds them itself.
        window_input: Which input takes the window.
        window_values: How many values it has.
        rr_input: Which input takes the intervals.
        rr_count: How many there are; 0 for none.
        preprocess: Fields of ``EcgPreprocessConfig``.
        detector: Fields of ``EcgDetectorConfig``.
    """

    model_name: str
    spec_sha256: str
    trigger: str
    has_detector: bool
    window_input: int
    window_values: int
    rr_input: int
    rr_count: int
    preprocess: tuple[ConfigField, ...]
    detector: tuple[ConfigField, ...]

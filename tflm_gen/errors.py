"""Every error a user can see: a stable code, what was found, and what to do next.

Exit codes: 1 the tool's verdict is no; 2 bad usage or bad input; 3 a tool, device or network
resource is missing; 4 timeout or device fault. Code ranges: TG1xx model files, TG2xx boards and
memory, TG3xx missing tools and downloads, TG4xx builds, devices and timeouts, TG5xx projects,
TG6xx records and evaluation.
"""

from __future__ import annotations

from typing import ClassVar

EXIT_NO = 1
EXIT_USAGE = 2
EXIT_MISSING = 3
EXIT_DEVICE = 4
EXIT_INTERRUPTED = 130


class TflmGenError(Exception):
    """Base of all expected errors; a subclass fixes code and exit code, a raise site the words.

    Args:
        message: What was found, where, with numbers and units. One line.
        hint: The next command or edit that gets the user further. One line.
    """

    code: ClassVar[str] = "TG000"
    exit_code: ClassVar[int] = EXIT_USAGE

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


# --- TG1xx: model files -----------------------------------------------------------------------


class ModelFileError(TflmGenError):
    """The path given as a model is missing, a directory, unreadable, empty or too large."""

    code = "TG101"


class NotTfliteError(TflmGenError):
    """The file is no TFLite flatbuffer (another format, or random bytes)."""

    code = "TG102"


class MalformedModelError(TflmGenError):
    """The file starts as a TFLite flatbuffer, but its structure is broken."""

    code = "TG103"


class UnsupportedModelError(TflmGenError):
    """The model is valid, but uses what this command cannot carry."""

    code = "TG104"


class UnsupportedOperatorError(TflmGenError):
    """The TFLM that will be linked does not have an operator of the model."""

    code = "TG105"
    exit_code = EXIT_NO


class NotCompilableError(TflmGenError):
    """The compiled engine does not have an operator, or a form of it, that the model uses."""

    code = "TG106"
    exit_code = EXIT_NO


class WillNotRunError(TflmGenError):
    """The operators are there, but a kernel refuses the model at allocation or at the first run."""

    code = "TG107"
    exit_code = EXIT_NO


# --- TG2xx: boards and memory -----------------------------------------------------------------


class UnknownBoardError(TflmGenError):
    """No board file has that id."""

    code = "TG201"


class BoardFileError(TflmGenError):
    """A board file does not follow the schema."""

    code = "TG202"


class DoesNotFitError(TflmGenError):
    """Model, arena or code are larger than the board's memory."""

    code = "TG203"
    exit_code = EXIT_NO


class UnsupportedChoiceError(TflmGenError):
    """This board cannot be combined with that engine, kernel library or project kind."""

    code = "TG204"


# --- TG3xx: missing tools, packages, downloads ------------------------------------------------


class MissingToolError(TflmGenError):
    """A program or Python package that this step runs is not installed."""

    code = "TG301"
    exit_code = EXIT_MISSING


class DownloadError(TflmGenError):
    """A dependency could not be downloaded (offline, or the index does not carry it)."""

    code = "TG302"
    exit_code = EXIT_MISSING


class HashMismatchError(TflmGenError):
    """A downloaded or cached file is not the pinned one."""

    code = "TG303"
    exit_code = EXIT_MISSING


class MissingSourceError(TflmGenError):
    """No TFLM source is configured for the board, and the engine needs one."""

    code = "TG304"
    exit_code = EXIT_MISSING


class PortError(TflmGenError):
    """A serial port cannot be opened."""

    code = "TG305"
    exit_code = EXIT_MISSING


class NoDeviceError(TflmGenError):
    """The board is not connected, or no program that could reach it is here."""

    code = "TG306"
    exit_code = EXIT_MISSING


# --- TG4xx: builds, devices, timeouts ---------------------------------------------------------


class BuildFailedError(TflmGenError):
    """The compiler or linker refused the generated project."""

    code = "TG401"
    exit_code = EXIT_DEVICE


class DeviceTimeoutError(TflmGenError):
    """The firmware did not answer in time."""

    code = "TG402"
    exit_code = EXIT_DEVICE


class DeviceFaultError(TflmGenError):
    """The firmware reported a fault, or the emulator stopped (for example a CPU lockup)."""

    code = "TG403"
    exit_code = EXIT_DEVICE


class ProtocolError(TflmGenError):
    """The firmware speaks another wire version, or its records contradict each other."""

    code = "TG404"
    exit_code = EXIT_DEVICE


class FirmwareError(TflmGenError):
    """The firmware ran, and reported that a step failed (allocation, operator, invoke)."""

    code = "TG405"
    exit_code = EXIT_DEVICE


class ProcessTimeoutError(TflmGenError):
    """A program we started ran past its time limit and was stopped."""

    code = "TG406"
    exit_code = EXIT_DEVICE


class OracleError(TflmGenError):
    """An interpreter or converter crashed in its child process, or its answer is damaged."""

    code = "TG407"
    exit_code = EXIT_DEVICE


class FlashFailedError(TflmGenError):
    """A flash tool ran, and nothing it said proves that the firmware is in the board."""

    code = "TG408"
    exit_code = EXIT_DEVICE


class RefusedModelError(OracleError):
    """The reference interpreter does not take the model, or must not be given it: it may crash."""

    code = "TG108"
    exit_code = EXIT_USAGE


# --- TG5xx: projects and output folders -------------------------------------------------------


class OutputFolderError(TflmGenError):
    """The output folder exists and is not a project of ours, or cannot be written."""

    code = "TG501"


class NotAProjectError(TflmGenError):
    """The folder is no generated project, or its manifest is damaged."""

    code = "TG502"


class ProjectModifiedError(TflmGenError):
    """Files of the generated project no longer match its manifest."""

    code = "TG503"


class UsageError(TflmGenError):
    """An option or argument does not make sense."""

    code = "TG504"


# --- TG6xx: records, preprocessing, evaluation ------------------------------------------------


class RecordError(TflmGenError):
    """An ECG record cannot be read, or is not what the preprocessing was made for."""

    code = "TG601"


class PreprocessSpecError(TflmGenError):
    """A preprocessing specification is malformed, or asks for what a device cannot do."""

    code = "TG602"


class LeakError(TflmGenError):
    """A test patient or record is also on the training or calibration side."""

    code = "TG603"


class NotEnoughDataError(TflmGenError):
    """Too few records, patients or beats to say anything."""

    code = "TG604"

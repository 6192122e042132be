"""What stands in an open table model, made ready to run: the checked program, weights, the tokenizer."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from tabulae.arithmetic.arrays import Float32s, Integers
from tabulae.artifact.parts import check_resident
from tabulae.artifact.reader import TableModelFile, open_table_model
from tabulae.artifact.records import ArrayRecord, FloatRecord, TableRecord, TensorRecord
from tabulae.cores import available_cores, machine_memory
from tabulae.errors import TableModelError
from tabulae.program.graph import Decoder
from tabulae.program.net import Net
from tabulae.runtime.binding import Weight
from tabulae.text.data import TokenizerData

TOKENIZER = "tabulae.tokenizer"  # the blob that holds the tokenizer


def graph_of(file: TableModelFile) -> Decoder | Net:
    """The program, checked against the tensors of the file; of a net, its integers are proved anew."""
    try:
        program = msgspec.json.decode(file.document.program, type=Decoder | Net)
    except msgspec.MsgspecError as error:
        raise TableModelError("program", "it must follow the schema", error) from None
    program.check()
    program.check_shapes({record.name: shape_of(record) for record in file.document.tensors})
    program.check_integers(arrays_of(file))
    return program


def is_net(path: str | Path) -> bool:
    """Whether a table model holds a net, by what its program says of itself.

    :raises FileError: there is no such file
    :raises TableModelError: it is no table model
    """
    with open_table_model(path) as file:
        try:
            return msgspec.json.decode(file.document.program, type=_Kind).kind == "net"
        except msgspec.MsgspecError:  # a program of another form, which whoever runs it refuses
            return False


class _Kind(msgspec.Struct):
    """What is asked of a program before it is read."""

    kind: str = ""


def program_of(file: TableModelFile) -> Decoder:
    """The program of a language model.

    :raises TableModelError: it is a net
    """
    program = graph_of(file)
    if isinstance(program, Net):
        raise TableModelError(str(file.path), "it must be a language model", "a net", "it takes arrays: --inputs x.npz")
    return program


def arrays_of(file: TableModelFile) -> dict[str, Integers]:
    """All stored integers by name, views into the file."""
    records = (record for record in file.document.tensors if isinstance(record, ArrayRecord))
    return {record.name: file.arrays(record.name)["integers"] for record in records}


def weights_of(file: TableModelFile, *, decoded: bool = False) -> dict[str, Weight]:
    """All weights by name, tables as they lie in the file or decoded to float32; in parallel.

    :raises TableModelError: a damaged stream of codes, or streams of more than the memory of this machine
    """
    records, memory = _weights(file), machine_memory()
    must = f"all decoded codes must fit the {memory} bytes of this machine"
    check_resident(records, memory, must, "run it on one with more memory")
    with ThreadPoolExecutor(available_cores()) as pool:
        weights = pool.map(lambda record: _weight(file, record, decoded), records)
        return {record.name: weight for record, weight in zip(records, weights, strict=True)}


def vocabulary_of(file: TableModelFile) -> TokenizerData | None:
    """The stored tokenizer, if there is one."""
    if all(blob.name != TOKENIZER for blob in file.document.blobs):
        return None
    try:
        return msgspec.json.decode(file.blob(TOKENIZER), type=TokenizerData)
    except msgspec.MsgspecError as error:
        raise TableModelError("tokenizer", "it must follow the schema", error) from None


def shape_of(record: TensorRecord) -> tuple[int, ...]:
    """Shape of a tensor."""
    return record.shape


def decoded_weight(file: TableModelFile, record: TensorRecord, threads: int | None = None) -> Float32s:
    """The weights of a tensor in float32, as the trained model would have them; ``threads``: default all cores."""
    if isinstance(record, FloatRecord):
        return file.float(record.name)
    matrix = file.matrix(record.name, threads)
    weights = matrix.decode()
    return weights if matrix.rotation is None else matrix.rotation.unrotate_weights(weights)


def _weights(file: TableModelFile) -> list[TensorRecord]:
    return [record for record in file.document.tensors if not isinstance(record, ArrayRecord)]


def _weight(file: TableModelFile, record: TensorRecord, decoded: bool) -> Weight:
    """One of many that are read in parallel, so each takes one thread."""
    stays = isinstance(record, TableRecord) and not decoded
    return file.matrix_parts(record.name, threads=1) if stays else decoded_weight(file, record, threads=1)

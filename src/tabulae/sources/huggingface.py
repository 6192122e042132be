"""Hugging Face folders: ``config.json``, ``*.safetensors`` (one file, or many with an index), ``tokenizer.json``."""

from pathlib import Path
from typing import Any

from tabulae.arithmetic.arrays import Float32s
from tabulae.closing import Closing
from tabulae.errors import ModelError
from tabulae.sources._files import read_json
from tabulae.sources._folder_tokenizer import tokenizer_data
from tabulae.sources._provenance import describe_files
from tabulae.sources._quantised import refuse_quantised
from tabulae.sources._safetensors import Shard
from tabulae.text.data import TokenizerData

ACCEPTS = "a Hugging Face folder (config.json and *.safetensors)"
_SINGLE, _INDEX = "model.safetensors", "model.safetensors.index.json"
_OTHER_WEIGHTS = ("pytorch_model*.bin", "*.h5", "*.msgpack", "*.onnx")


def accepts(path: Path) -> bool:
    """A folder with a ``config.json``."""
    return (path / "config.json").is_file()


def open_model(path: Path) -> "HuggingFaceSource":
    return HuggingFaceSource(path)


class HuggingFaceSource(Closing):
    """An opened folder (see :class:`tabulae.sources.Source`): all headers are checked, no weight is read yet."""

    kind = "huggingface"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metadata: dict[str, Any] = read_json(path / "config.json")
        self.family = self.metadata.get("model_type")
        refuse_quantised(path, self.metadata)
        self._shards: list[Shard] = []
        try:
            self._of = self._open_shards()
        except BaseException:
            self.close()
            raise
        self.names = tuple(self._of)

    def shape(self, name: str) -> tuple[int, ...]:
        """See :meth:`tabulae.sources.Source.shape`."""
        return self._shard(name).shape(name)

    def dtype(self, name: str) -> str:
        """See :meth:`tabulae.sources.Source.dtype`."""
        return self._shard(name).dtype(name)

    def nbytes(self, name: str) -> int:
        """See :meth:`tabulae.sources.Source.nbytes`."""
        return self._shard(name).nbytes(name)

    def read(self, name: str, rows: slice | None = None) -> Float32s:
        """See :meth:`tabulae.sources.Source.read`; F32, F16 and BF16."""
        return self._shard(name).read(name, rows)

    def vocabulary(self) -> TokenizerData | None:
        """See :meth:`tabulae.sources.Source.vocabulary`."""
        return tokenizer_data(self.path, self.metadata)

    def provenance(self, *, sampled: bool = False) -> dict[str, str]:
        """See :meth:`tabulae.sources.Source.provenance`; the licence as README.md or the licence file's name say."""
        whole = str(self.metadata.get("_name_or_path") or "")
        organisation, _, name = whole.rpartition("/") if whole.count("/") == 1 else ("", "", "")
        known = {
            "name": name or self.path.resolve().name,
            "licence": _licence(self.path),
            "organisation": organisation,
        }
        small = [self.path / name for name in ("config.json", "tokenizer.json")]
        files = [path for path in small if path.is_file()] + [shard.path for shard in self._shards]
        return {key: value for key, value in known.items() if value} | describe_files(files, sampled=sampled)

    def close(self) -> None:
        """Unmap all files; arrays already read stay valid."""
        for shard in self._shards:
            shard.close()

    def _shard(self, name: str) -> Shard:
        try:
            return self._of[name]
        except KeyError:
            raise ModelError(str(self.path), "the tensor must be in the folder", repr(name)) from None

    def _open_shards(self) -> dict[str, Shard]:
        """Tensor name -> its file, in file order; one file goes before an index beside it, as in transformers."""
        if (self.path / _SINGLE).is_file() or not (self.path / _INDEX).is_file():
            names, shard = self._open(_SINGLE)
            return dict.fromkeys(names, shard)
        wanted = self._weight_map()
        of: dict[str, Shard] = {}
        for file in sorted(set(wanted.values())):
            names, shard = self._open(file)
            of |= {name: shard for name in names if wanted.get(name) == file}
        missing = [name for name in wanted if name not in of]
        if missing:
            got = f"{len(missing):,} that are not, the first {missing[0]!r}"
            raise ModelError(str(self.path / _INDEX), "every tensor must be in the file that the index names", got)
        return of

    def _weight_map(self) -> dict[str, str]:
        weight_map = read_json(self.path / _INDEX).get("weight_map")
        files = weight_map.values() if isinstance(weight_map, dict) else [None]
        for file in files:
            if not isinstance(file, str) or not file or Path(file).name != file:
                must = "weight_map must map tensor names to files of this folder"
                raise ModelError(str(self.path / _INDEX), must, repr(file))
        return dict(weight_map or {})

    def _open(self, file: str) -> tuple[tuple[str, ...], Shard]:
        path = self.path / file
        if not path.is_file():
            other = [found.name for pattern in _OTHER_WEIGHTS for found in self.path.glob(pattern)]
            got = f"only {other[0]}" if other else "no such file"
            hint = (
                "save the model with transformers: model.save_pretrained(FOLDER)"
                if other
                else "download the folder again"
            )
            raise ModelError(str(path), "the weights must be in safetensors files", got, hint)
        self._shards.append(Shard(path))
        return self._shards[-1].names, self._shards[-1]


def _licence(folder: Path) -> str:
    """``license:`` of the model card's front matter, else the name of a licence file."""
    card = folder / "README.md"
    if card.is_file():
        head = card.read_text(encoding="utf-8", errors="replace").split("---", 2)
        lines = head[1].splitlines() if len(head) == 3 and not head[0].strip() else []
        for line in lines:
            key, _, value = line.partition(":")
            if key == "license":
                return value.strip().strip("\"'")
    found = sorted(path.name for path in folder.iterdir() if path.stem.upper() in ("LICENSE", "LICENCE"))
    return found[0] if found else ""

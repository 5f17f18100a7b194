"""Execute the notebooks and store what they show, ready to be compared by nbval.

    python scripts/store_notebooks.py [NOTEBOOK …]

Cells tagged `map` keep no output: a browser test draws them. Of a table the plain text is kept and
the HTML is not, so that a number that changes is one line of a diff. All that changes from run to
run or from machine to machine (times, versions, widget state) is left out, so that a second run
changes no byte. A notebook that fails is left as it was.
"""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> nbformat.NotebookNode:
    """Run a notebook in its own folder and return it with its outputs."""
    book = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(path.parent)}}
    quiet = ["--IPKernelApp.log_level=40"]
    NotebookClient(
        book, timeout=300, kernel_name="python3", resources=where, extra_arguments=quiet
    ).execute()
    return book


def stored(book: nbformat.NotebookNode) -> str:
    """Return the text of a notebook as it is committed."""
    book = nbformat.from_dict(book)
    book["metadata"] = METADATA
    book["nbformat_minor"] = 5
    number = 0
    for cell in book["cells"]:
        tags = sorted(cell["metadata"].get("tags", []))
        cell["metadata"] = {"tags": tags} if tags else {}
        if cell["cell_type"] != "code":
            continue
        number += 1
        is_map = "map" in tags
        cell["execution_count"] = None if is_map else number
        cell["outputs"] = [] if is_map else [_plain(out, number) for out in cell["outputs"]]
    return nbformat.writes(book, version=nbformat.NO_CONVERT) + "\n"


def _plain(output: nbformat.NotebookNode, number: int) -> nbformat.NotebookNode:
    """Take from an output what is not compared, and give it the number of its cell."""
    if "metadata" in output:
        output["metadata"] = {}
    if "text/plain" in output.get("data", {}):
        output["data"].pop("text/html", None)
    if "execution_count" in output:
        output["execution_count"] = number
    return output


def main(paths: list[Path]) -> int:
    """Store each notebook; return 1 if one of them failed."""
    failed = 0
    for path in paths:
        try:
            text = stored(execute(path))
        except CellExecutionError as error:
            print(f"{path.name}: {error.ename}: {error.evalue}\nThe notebook is left as it was.")
            failed = 1
            continue
        changed = text != path.read_text(encoding="utf-8")
        if changed:
            path.write_text(text, encoding="utf-8")
        print(f"{path.name}: {'stored' if changed else 'unchanged'}, {len(text) // 1000} kB")
    return failed


if __name__ == "__main__":
    sys.exit(main([Path(name) for name in sys.argv[1:]] or sorted(FOLDER.glob("*.ipynb"))))

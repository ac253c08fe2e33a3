"""Programs for the distribution's libdlm: compiled with its header, linked with its library, run with ours."""

import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
HEADER = pathlib.Path("/usr/include/libdlm.h")


def ours():
    return pathlib.Path(os.environ["QUORATE_BIN"]).parent / "lib"


def build(source, folder, library="dlm", threads=True, header=None):
    program = pathlib.Path(folder) / f"{source}-{library}{'-own' if header else ''}"
    command = ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-o", str(program)]
    command.append(str(HERE / f"{source}.c"))
    command += ["-D_REENTRANT", "-pthread"] if threads else []
    command += [f"-I{header}", f"-L{ours()}"] if header else []
    subprocess.run(command + [f"-l{library}"], check=True, timeout=60)
    return program


def environment(root):
    return os.environ | {"LD_LIBRARY_PATH": str(ours()), "QUORATE_ROOT": str(root)}


def loaded(program):
    """Which libdlm the program runs with."""
    out = subprocess.run(["ldd", str(program)], env=environment("/"), capture_output=True, text=True, check=True).stdout
    return [line.split("=>")[1].split()[0] for line in out.splitlines() if "libdlm" in line]


def exported(library):
    """Names with their kinds and versions, as the dynamic linker sees them."""
    out = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", str(library)], capture_output=True,
                         text=True, check=True).stdout
    return sorted(" ".join(line.split()[1:]) for line in out.splitlines())


def soname(library):
    out = subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, check=True).stdout
    return next(line.split("[")[1].rstrip("]") for line in out.splitlines() if "SONAME" in line)

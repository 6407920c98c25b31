# SPDX-License-Identifier: Apache-2.0
"""Whether every call of the library that a fault could be injected into is in the lists: of OpenCL in
opencl_calls.def, on files in host_calls.def, which the linker must also redirect.

    calls.py LIBRARY.a FOLDER_OF_THE_LISTS WRAPPED_SYMBOL...
"""
import re
import subprocess
import sys

# What POSIX and C have for files, and allocation; of all of them the 64-bit forms count as well.
FILES = """access chmod chown close closedir creat dup dup2 faccessat fclose fcntl fdatasync fdopen
fflush fgets flock fopen fputs fread freopen fseek fseeko fstat fstatat fsync ftruncate fwrite getline
link linkat lockf lseek lstat mkdir mkdirat mkdtemp mkostemp mkstemp mmap msync munmap open openat
opendir posix_fallocate pread preadv pwrite pwritev read readdir readlink readv realpath rename renameat
remove rmdir scandir stat symlink sync truncate unlink unlinkat utimensat write writev""".split()
MEMORY = "aligned_alloc calloc malloc posix_memalign realloc reallocarray strdup strndup".split()


def undefined_symbols(library):
    output = subprocess.run(["nm", "-u", library], capture_output=True, text=True, check=True)
    return set(re.findall(r"^ +U (\w+)$", output.stdout, re.M))


def listed(path):
    """Names, and for host calls the linker's symbols."""
    with open(path, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    macros = re.findall(r"^(CREATE|RETAIN|RELEASE|ENQUEUE|CALL|FILE_CALL|MEMORY_CALL)\((.*)$", text,
                        re.M)
    if path.endswith("host_calls.def"):
        return {arguments.split(", ")[1] for _, arguments in macros}
    return {re.search(r"\bcl[A-Z]\w+", arguments).group() for _, arguments in macros}


def main(library, folder, *wrapped):
    symbols = undefined_symbols(library)
    host = {name + suffix for name in FILES + MEMORY for suffix in ("", "64")}
    opencl_list = listed(folder + "/opencl_calls.def")
    host_list = listed(folder + "/host_calls.def")
    opencl_used = {s for s in symbols if re.match(r"cl[A-Z]", s)}
    host_used = symbols & host
    missing = sorted(opencl_used - opencl_list) + sorted(host_used - host_list)
    missing += [s + " (not wrapped)" for s in sorted(host_used - set(wrapped))]
    for symbol in missing:
        print(f"{symbol} is called, but never made to fail")
    print(f"{len(opencl_used)} calls of OpenCL, {len(host_used)} on files and memory")
    if not host_used:
        print("no call was found: is this the library?")
    return bool(missing) or not host_used


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

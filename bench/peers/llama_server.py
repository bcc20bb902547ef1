"""llama.cpp's server over a GGUF file, from the package xllamacpp. Installs nothing; ends when its standard input does.

usage: llama_server.py FILE THREADS SLOTS CONTEXT
Float32 keys and values, SLOTS requests at once with CONTEXT tokens each. Prints where it listens, as one JSON object.
"""
import json
import sys

import xllamacpp


def main() -> None:
    path, threads, slots, context = sys.argv[1:]
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_parallel = int(slots)
    params.n_ctx = int(slots) * int(context)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(threads)
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.fit_params = False
    params.ui = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    print(json.dumps({"url": server.listening_address}), flush=True)
    sys.stdin.read()


main()

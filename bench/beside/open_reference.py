"""Opens one field of a store of references as kerchunk's users do: fsspec, zarr, xarray.

    open_reference.py STORE ENDPOINT GROUP/VARIABLE OUTPUT

Debian has no kerchunk. Of it this needs the codec that decodes a message, ten lines over ecCodes in
`fixtures/open_store.py`. OUTPUT gets the values of the whole field in float64, north first.
"""
import os
import sys

import fsspec
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../fixtures"))
from open_store import open_group, read_references  # noqa: E402

store, endpoint, path, output = sys.argv[1:]
group, variable = path.rsplit("/", 1)
references = read_references(store, endpoint)
filesystem = fsspec.filesystem("reference", fo=references, remote_protocol="http")
dataset = open_group(filesystem, group)
dataset[variable].values.astype(np.float64).tofile(output)

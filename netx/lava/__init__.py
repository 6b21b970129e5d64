"""The hdf5 files of lava-dl."""

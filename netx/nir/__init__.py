"""The hdf5 files of NIR, the neuromorphic intermediate representation."""

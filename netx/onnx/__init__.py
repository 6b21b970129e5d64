"""Networks as ONNX models, of one timestep or of a whole sequence."""

"""Networks whose weights other packages carry, written as ONNX files of ours."""

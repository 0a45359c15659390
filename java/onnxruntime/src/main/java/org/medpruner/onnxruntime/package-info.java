/** ONNX Runtime: tensors on shared memory, and the library of custom ops. */
@org.jspecify.annotations.NullMarked
package org.medpruner.onnxruntime;

package org.medpruner.internal.ffm;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.MemoryLayout.structLayout;
import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.util.List;

/** The structs of {@code native/include/medpruner}, named as there. */
final class Layouts {
  private Layouts() {}

  static final StructLayout DEVICE =
      structLayout(JAVA_INT.withName("device_type"), JAVA_INT.withName("device_id"))
          .withName("medpruner_device");

  /** DLPack's DLTensor, with its DLDevice and DLDataType spelled out. */
  static final StructLayout TENSOR =
      structLayout(
              ADDRESS.withName("data"),
              JAVA_INT.withName("device.device_type"),
              JAVA_INT.withName("device.device_id"),
              JAVA_INT.withName("ndim"),
              JAVA_BYTE.withName("dtype.code"),
              JAVA_BYTE.withName("dtype.bits"),
              JAVA_SHORT.withName("dtype.lanes"),
              ADDRESS.withName("shape"),
              ADDRESS.withName("strides"),
              JAVA_LONG.withName("byte_offset"))
          .withName("medpruner_tensor");

  static final StructLayout SLICE_ANCHOR_PARAMS =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("flags"),
              JAVA_DOUBLE.withName("gamma"),
              JAVA_DOUBLE.withName("scale"),
              JAVA_LONG.withName("max_gap"))
          .withName("medpruner_slice_anchor_params");

  static final StructLayout SLICE_ANCHOR_PATCHES_PARAMS =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("reserved"),
              SLICE_ANCHOR_PARAMS.withName("anchor"),
              JAVA_DOUBLE.withName("patch_gamma"),
              JAVA_LONG.withName("channels"),
              JAVA_LONG.withName("height"),
              JAVA_LONG.withName("width"),
              JAVA_LONG.withName("patch_height"),
              JAVA_LONG.withName("patch_width"))
          .withName("medpruner_slice_anchor_patches_params");

  static final StructLayout ATTENTION_MASS_PARAMS =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("pooling"),
              JAVA_DOUBLE.withName("scale"),
              JAVA_LONG.withName("group"),
              JAVA_LONG.withName("grid_h"),
              JAVA_LONG.withName("grid_w"),
              JAVA_LONG.withName("block_h"),
              JAVA_LONG.withName("block_w"))
          .withName("medpruner_attention_mass_params");

  static final StructLayout NUCLEUS_SELECT_PARAMS =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("score"),
              JAVA_DOUBLE.withName("tau"),
              JAVA_DOUBLE.withName("temperature"),
              JAVA_LONG.withName("min_tokens"),
              JAVA_LONG.withName("max_tokens"),
              JAVA_LONG.withName("volume_min_tokens"),
              JAVA_LONG.withName("volume_max_tokens"))
          .withName("medpruner_nucleus_select_params");

  static final StructLayout CONTEXTUAL_MERGE_PARAMS =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("reserved"),
              JAVA_DOUBLE.withName("ratio"))
          .withName("medpruner_contextual_merge_params");

  static final StructLayout GATHER_ROWS_PARAMS =
      structLayout(JAVA_INT.withName("struct_size"), JAVA_INT.withName("reserved"))
          .withName("medpruner_gather_rows_params");

  static final StructLayout PRUNE_PARAMS =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("reserved"),
              ATTENTION_MASS_PARAMS.withName("attention"),
              NUCLEUS_SELECT_PARAMS.withName("nucleus"),
              CONTEXTUAL_MERGE_PARAMS.withName("merge"),
              JAVA_LONG.withName("dropped_tokens"))
          .withName("medpruner_prune_params");

  static final StructLayout BUILD_INFO =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("has_cuda"),
              JAVA_INT.withName("cuda_version"),
              JAVA_INT.withName("reserved"),
              ADDRESS.withName("version"),
              ADDRESS.withName("compiler"),
              ADDRESS.withName("build_type"),
              ADDRESS.withName("cuda_architectures"))
          .withName("medpruner_build_info");

  static final StructLayout CUDA_DEVICE_INFO =
      structLayout(
              JAVA_INT.withName("struct_size"),
              JAVA_INT.withName("compute_major"),
              JAVA_INT.withName("compute_minor"),
              JAVA_INT.withName("multiprocessors"),
              JAVA_LONG.withName("total_memory_bytes"),
              JAVA_INT.withName("driver_version"),
              JAVA_INT.withName("runtime_version"),
              MemoryLayout.sequenceLayout(256, JAVA_BYTE).withName("name"))
          .withName("medpruner_cuda_device_info");

  /** Every struct above, for the test that compares them with what a C compiler says. */
  static List<StructLayout> all() {
    return List.of(
        DEVICE,
        TENSOR,
        SLICE_ANCHOR_PARAMS,
        SLICE_ANCHOR_PATCHES_PARAMS,
        ATTENTION_MASS_PARAMS,
        NUCLEUS_SELECT_PARAMS,
        CONTEXTUAL_MERGE_PARAMS,
        GATHER_ROWS_PARAMS,
        PRUNE_PARAMS,
        BUILD_INFO,
        CUDA_DEVICE_INFO);
  }

  /** Byte offset of a field. */
  static long offset(StructLayout struct, String field) {
    return struct.byteOffset(groupElement(field));
  }
}

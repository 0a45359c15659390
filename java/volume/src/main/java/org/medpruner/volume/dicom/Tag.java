package org.medpruner.volume.dicom;

import java.util.Set;

/** The elements this reader looks at, as group * 65536 + element. */
final class Tag {
  static final int MEDIA_STORAGE_SOP_CLASS_UID = 0x00020002;
  static final int TRANSFER_SYNTAX_UID = 0x00020010;
  static final int IMAGE_TYPE = 0x00080008;
  static final int SOP_CLASS_UID = 0x00080016;
  static final int SOP_INSTANCE_UID = 0x00080018;
  static final int MODALITY = 0x00080060;
  static final int SLICE_THICKNESS = 0x00180050;
  static final int SPACING_BETWEEN_SLICES = 0x00180088;
  static final int ECHO_NUMBERS = 0x00180086;
  static final int EFFECTIVE_ECHO_TIME = 0x00189082;
  static final int SERIES_INSTANCE_UID = 0x0020000E;
  static final int SERIES_NUMBER = 0x00200011;
  static final int ACQUISITION_NUMBER = 0x00200012;
  static final int INSTANCE_NUMBER = 0x00200013;
  static final int IMAGE_POSITION = 0x00200032;
  static final int IMAGE_ORIENTATION = 0x00200037;
  static final int TEMPORAL_POSITION = 0x00200100;
  static final int TEMPORAL_INDEX = 0x00209128;
  static final int DIMENSION_INDICES = 0x00209157;
  static final int SAMPLES_PER_PIXEL = 0x00280002;
  static final int PHOTOMETRIC = 0x00280004;
  static final int PLANAR_CONFIGURATION = 0x00280006;
  static final int NUMBER_OF_FRAMES = 0x00280008;
  static final int ROWS = 0x00280010;
  static final int COLUMNS = 0x00280011;
  static final int PIXEL_SPACING = 0x00280030;
  static final int BITS_ALLOCATED = 0x00280100;
  static final int BITS_STORED = 0x00280101;
  static final int HIGH_BIT = 0x00280102;
  static final int PIXEL_REPRESENTATION = 0x00280103;
  static final int PIXEL_PADDING = 0x00280120;
  static final int PIXEL_PADDING_LIMIT = 0x00280121;
  static final int RESCALE_INTERCEPT = 0x00281052;
  static final int RESCALE_SLOPE = 0x00281053;
  static final int RESCALE_TYPE = 0x00281054;
  static final int MODALITY_LUT = 0x00283000;
  static final int FLOAT_PIXEL_DATA = 0x7FE00008;
  static final int DOUBLE_PIXEL_DATA = 0x7FE00009;
  static final int PIXEL_DATA = 0x7FE00010;

  // The functional groups of multi-frame objects.
  static final int SHARED_GROUPS = 0x52009229;
  static final int PER_FRAME_GROUPS = 0x52009230;
  static final int MR_ECHO = 0x00189114;
  static final int FRAME_CONTENT = 0x00209111;
  static final int PLANE_POSITION = 0x00209113;
  static final int PLANE_ORIENTATION = 0x00209116;
  static final int PIXEL_MEASURES = 0x00289110;
  static final int PIXEL_VALUES = 0x00289145;

  static final int ITEM = 0xFFFEE000;
  static final int ITEM_END = 0xFFFEE00D;
  static final int SEQUENCE_END = 0xFFFEE0DD;

  /** Sequences that are descended into; all others are skipped. */
  static final Set<Integer> SEQUENCES =
      Set.of(
          SHARED_GROUPS,
          PER_FRAME_GROUPS,
          MR_ECHO,
          FRAME_CONTENT,
          PLANE_POSITION,
          PLANE_ORIENTATION,
          PIXEL_MEASURES,
          PIXEL_VALUES,
          MODALITY_LUT);

  /** Values that are kept. */
  static final Set<Integer> VALUES =
      Set.of(
          MEDIA_STORAGE_SOP_CLASS_UID,
          TRANSFER_SYNTAX_UID,
          IMAGE_TYPE,
          SOP_CLASS_UID,
          SOP_INSTANCE_UID,
          MODALITY,
          SLICE_THICKNESS,
          SPACING_BETWEEN_SLICES,
          ECHO_NUMBERS,
          EFFECTIVE_ECHO_TIME,
          SERIES_INSTANCE_UID,
          SERIES_NUMBER,
          ACQUISITION_NUMBER,
          INSTANCE_NUMBER,
          IMAGE_POSITION,
          IMAGE_ORIENTATION,
          TEMPORAL_POSITION,
          TEMPORAL_INDEX,
          DIMENSION_INDICES,
          SAMPLES_PER_PIXEL,
          PHOTOMETRIC,
          PLANAR_CONFIGURATION,
          NUMBER_OF_FRAMES,
          ROWS,
          COLUMNS,
          PIXEL_SPACING,
          BITS_ALLOCATED,
          BITS_STORED,
          HIGH_BIT,
          PIXEL_REPRESENTATION,
          PIXEL_PADDING,
          PIXEL_PADDING_LIMIT,
          RESCALE_INTERCEPT,
          RESCALE_SLOPE,
          RESCALE_TYPE);

  private Tag() {}
}

package org.medpruner.testkit.mutants;

/** A line of {@link PlainTarget} that is wrong, and the rule that has to notice. */
enum Mutation {
  ANCHOR_EQUALITY_KEEPS("slice_anchor/keep", ">= gamma instead of > gamma"),
  ANCHOR_NOT_ADVANCED("slice_anchor/keep", "always against the first slice"),
  ANCHOR_IS_PREVIOUS("slice_anchor/keep", "against the slice before, kept or not"),
  ANCHOR_NAN_DROPPED("slice_anchor/keep", "NaN > gamma is false"),
  ANCHOR_NAN_UNFLAGGED("slice_anchor/flags", "kept without a flag"),
  ANCHOR_FIRST_UNFLAGGED("slice_anchor/flags", "a NaN in the first slice is not flagged"),
  ANCHOR_GAMMA_IN_DOUBLE("slice_anchor/keep", "gamma is not rounded to float"),
  ANCHOR_SERIAL_FLOAT_SUM("slice_anchor/distance", "one f32 sum from the first value on"),
  ANCHOR_DOUBLE_SUM("slice_anchor/distance", "f64 sums: more accurate, other bits"),
  ANCHOR_BF16_MEAN("slice_anchor/keep", "the mean rounded to bf16"),
  ANCHOR_I16_WRAPS("slice_anchor/distance", "differences in 16 bits"),
  ANCHOR_U8_SIGNED("slice_anchor/distance", "bytes taken as signed"),
  ANCHOR_U32_SUM("slice_anchor/distance", "integer sums in 32 bits"),
  ANCHOR_SCALE_FORGOTTEN("slice_anchor/distance", "the scale is left out"),
  ANCHOR_GAP_OFF_BY_ONE("slice_anchor/keep", "i - anchor > max_gap"),
  ANCHOR_ACROSS_VOLUMES("slice_anchor/keep", "a volume begins with the anchor of the one before"),
  ANCHOR_SQUARES("slice_anchor/golden", "squared differences"),
  ANCHOR_REPRESENTATIVE_BEFORE("slice_anchor/representative", "a dropped slice names the last"),
  ANCHOR_LIST_OF_ZEROS("slice_anchor/kept-lists", "the list ends in 0 instead of -1"),
  ANCHOR_PATCH_TIE_LAST("slice_anchor/patches", "the highest of patches with one distance"),
  ANCHOR_PATCH_EDGE("slice_anchor/patches", "cut patches divided by a whole one's values"),
  ANCHOR_PATCH_IGNORED("slice_anchor/keep", "patches are measured but do not keep"),
  ANCHOR_PATCH_BY_VALUES("slice_anchor/patches", "lanes add values instead of sums of columns"),
  ANCHOR_64_SLICES("slice_anchor/keep", "a volume's decisions in the bits of a word"),
  ANCHOR_32_VOLUMES("slice_anchor/kept-lists", "a volume to each thread of a warp"),
  ANCHOR_GAP_IN_INT("slice_anchor/keep", "max_gap in 32 bits"),
  ANCHOR_GAP_IN_NIBBLE("slice_anchor/keep", "max_gap in 4 bits"),
  ANCHOR_131072_VALUES(
      "slice_anchor/distance", "the first 2^17 values of a slice", "slice_anchor/U8/large-slices"),
  ANCHOR_16384_FLOATS(
      "slice_anchor/distance", "the first 2^14 floats of a slice", "slice_anchor/F32/large-slices"),
  ANCHOR_256_PATCHES(
      "slice_anchor/patches",
      "a patch to each thread of a block",
      "slice_anchor/U8/large-slices-in-patches"),
  ANCHOR_256_WIDE(
      "slice_anchor/patches", "the first 256 columns of a patch", "slice_anchor/F32/patches-7"),
  ANCHOR_8_PLANES("slice_anchor/patches", "the first eight planes"),

  MASS_NO_SCALE("attention_mass/mass", "logits without 1/sqrt(d)"),
  MASS_BASE_TWO("attention_mass/mass", "2^x instead of e^x"),
  MASS_HEADS_SUMMED("attention_mass/mass", "sum over heads instead of the mean"),
  MASS_ROWS_NOT_COLUMNS("attention_mass/mass", "sums over keys instead of queries"),
  MASS_STRIPS("attention_mass/mass", "consecutive patches of a raster grid"),
  MASS_BF16("attention_mass/mass", "probabilities rounded to bf16"),
  MASS_NO_MAXIMUM("attention_mass/mass", "exponentials overflow"),
  MASS_KEYS_OF_FIRST_HEAD("attention_mass/pooled-keys", "no mean over heads"),
  MASS_KEYS_OF_NON_FINITE("attention_mass/pooled-keys", "0 in a segment that is flagged"),
  MASS_ADDS_UP_TO_ONE("attention_mass/golden", "divided by the number of queries"),
  MASS_LSE_ROWS_FIRST("attention_mass/mass", "a log-sum-exp of [N, H] instead of [H, N]"),
  MASS_LSE_UNFLAGGED("attention_mass/flags", "a log-sum-exp that is not finite raises no flag"),
  MASS_LSE_CLAMPED("attention_mass/flags", "exponentials above a log-sum-exp end at 2^127"),
  MASS_LSE_IN_BASE_TWO("attention_mass/flags", "a log-sum-exp has to fit f32 in base 2"),
  MASS_LSE_MEANS_FIT("attention_mass/flags", "means have to fit f32, not the sums of a head"),
  MASS_UNFLAGGED("attention_mass/flags", "a NaN raises no flag"),
  MASS_SCALED_FIRST("attention_mass/flags", "only scaled products have to fit f32"),
  MASS_UNSTABLE("attention_mass/run-to-run", "every other run sums backwards in f32"),
  MASS_OF_BATCH("attention_mass/batch", "f32 sums begin where the batch does"),
  MASS_MAXIMUM_FROM_ZERO("attention_mass/mass", "the largest logit is sought from 0 on"),
  MASS_1024_QUERIES(
      "attention_mass/mass",
      "a query to each thread of a block",
      "attention_mass/F32/patches-1030"),
  MASS_16_HEADS("attention_mass/mass", "the first 16 heads"),
  MASS_MULTIPLES_OF_8("attention_mass/mass", "the last values of a head are cut"),
  MASS_32_SEGMENTS("attention_mass/mass", "a segment to each thread of a warp"),

  NUCLEUS_STRICT("nucleus_select/mask", "sum > M instead of >= M"),
  NUCLEUS_ONE_MORE("nucleus_select/mask", "one token too many"),
  NUCLEUS_ONE_LESS("nucleus_select/golden", "without the token that reaches tau"),
  NUCLEUS_NO_SLACK("nucleus_select/mask", "tau instead of tau * (1 - 2^-30)"),
  NUCLEUS_UNSTABLE_TIES("nucleus_select/mask", "equal scores from the highest index on"),
  NUCLEUS_ALL_TIES("nucleus_select/mask", "keeps all that equal the last one"),
  NUCLEUS_FLOAT_CUMSUM("nucleus_select/mask", "an f32 running sum of probabilities"),
  NUCLEUS_BF16_CUMSUM("nucleus_select/mask", "a bf16 running sum of probabilities"),
  NUCLEUS_NAN_LAST("nucleus_select/mask", "a NaN is the lowest score"),
  NUCLEUS_MINUS_ZERO("nucleus_select/mask", "-0 is less than 0"),
  NUCLEUS_TAU_ONE_BY_SUM("nucleus_select/mask", "tau = 1 ends where the sum is reached"),
  NUCLEUS_WEIGHTS_TRUNCATED("nucleus_select/kept-mass", "weights cut instead of rounded"),
  NUCLEUS_LIBRARY_EXP("nucleus_select/kept-mass", "Math.exp instead of the polynomial"),
  NUCLEUS_U32_SUM("nucleus_select/mask", "the sum of weights in 32 bits"),
  NUCLEUS_NO_TEMPERATURE("nucleus_select/mask", "the temperature is left out"),
  NUCLEUS_NEGATIVE_ACCEPTED("nucleus_select/flags", "negative masses are not flagged"),
  NUCLEUS_CAP_FROM_BELOW("nucleus_select/mask", "the volume's cap keeps the lowest scores"),
  NUCLEUS_NO_VOLUMES("nucleus_select/mask", "all segments are one volume"),
  NUCLEUS_WHOLE_IN_CAP("nucleus_select/mask", "segments kept whole count against the cap"),
  NUCLEUS_LIST_UNSORTED("nucleus_select/kept-lists", "kept rows in the order of scores"),
  NUCLEUS_TARGET_DOWN("nucleus_select/mask", "M is rounded down"),
  NUCLEUS_TARGET_IN_DOUBLE("nucleus_select/mask", "ceil(tau' * W) in f64"),
  NUCLEUS_32_VOLUMES(
      "nucleus_select/mask",
      "a volume to each thread of a warp",
      "nucleus_select/F32/mass-many-segments"),
  NUCLEUS_65536_SEGMENTS(
      "nucleus_select/mask", "segments in 16 bits", "nucleus_select/F32/mass-many-segments"),
  NUCLEUS_131072_TOKENS(
      "nucleus_select/mask",
      "the first 2^17 tokens of a segment",
      "nucleus_select/F32/mass-over-131072-tokens"),

  MERGE_COUNT_ROUNDED("contextual_merge/role", "round(ratio * n) targets"),
  MERGE_COUNT_UP("contextual_merge/role", "ceil(ratio * n) targets"),
  MERGE_COUNT_OF_REST("contextual_merge/role", "trunc(ratio * leftovers) targets"),
  MERGE_COUNT_IN_FLOAT("contextual_merge/role", "the product in f32"),
  MERGE_STEP_UP("contextual_merge/role", "the stride rounded up"),
  MERGE_TARGETS_FROM_LAST("contextual_merge/golden", "targets from the last of the rest on"),
  MERGE_LIST_WITHOUT_TARGETS("contextual_merge/kept-lists", "the nucleus alone"),
  MERGE_SATURATES("contextual_merge/merged-close", "the largest number instead of an infinity"),
  MERGE_NO_CLAMP("contextual_merge/answers", "fewer left than targets is an error"),
  MERGE_TIE_LAST("contextual_merge/assignment", "the highest target of equal similarity"),
  MERGE_DOT_NOT_COSINE("contextual_merge/assignment", "keys are not normalised"),
  MERGE_NO_FMA("contextual_merge/assignment", "products rounded before they are added"),
  MERGE_DOUBLE_DOT("contextual_merge/assignment", "f64 products: more accurate, other ties"),
  MERGE_ZERO_KEY_NAN("contextual_merge/assignment", "a zero key wins every argmax"),
  MERGE_UNFLAGGED("contextual_merge/flags", "zero keys raise no flag"),
  MERGE_SUM_NOT_MEAN("contextual_merge/merged", "adds the sum of the members"),
  MERGE_MEAN_WITH_TARGET("contextual_merge/merged", "the target is one of its members"),
  MERGE_BF16_SUM("contextual_merge/merged", "sums in the type of the features"),
  MERGE_DESCENDING("contextual_merge/merged", "members added from the last one"),
  MERGE_NAN_PAYLOAD("contextual_merge/merged", "a NaN result keeps its payload"),
  MERGE_RATIO_IN_FLOAT("contextual_merge/role", "the ratio is an f32"),
  MERGE_SUBNORMAL_RESULT("contextual_merge/merged", "a subnormal result is 0"),
  MERGE_SUBNORMAL_MEMBER("contextual_merge/merged", "a subnormal member is 0"),
  MERGE_SUBNORMAL_PRODUCT("contextual_merge/assignment", "a subnormal product of keys is 0"),
  MERGE_SUM_FROM_FIRST("contextual_merge/merged", "sums begin with the first member, not with +0"),
  MERGE_FROM_MINUS_ONE("contextual_merge/assignment", "the highest is sought from -1 on"),
  MERGE_256_TARGETS(
      "contextual_merge/assignment",
      "a target to each thread of a block",
      "contextual_merge/F32/many-tokens"),
  MERGE_1024_TOKENS(
      "contextual_merge/assignment",
      "a token to each thread of a block",
      "contextual_merge/F32/many-tokens"),
  MERGE_32_SEGMENTS(
      "contextual_merge/role",
      "a segment to each thread of a warp",
      "contextual_merge/F32/many-tokens"),
  MERGE_1024_COLUMNS(
      "contextual_merge/merged",
      "a column to each thread of a block",
      "contextual_merge/F32/wide-rows"),
  MERGE_1024_MEMBERS("contextual_merge/merged", "the first 1024 members of a target"),

  GATHER_WHOLE_SEGMENTS("gather_rows/packed", "counts are ignored"),
  GATHER_WORDS("gather_rows/packed", "moves multiples of four bytes only"),
  GATHER_OFFSETS_OF_SEGMENTS("gather_rows/packed-offsets", "the offsets of the source"),
  GATHER_EMPTY_FLAGGED("gather_rows/flags", "a segment of which nothing is taken is flagged"),
  GATHER_SORTED("gather_rows/packed", "rows in ascending order"),
  GATHER_ROW_IN_16_BITS("gather_rows/packed", "row numbers in 16 bits", "gather_rows/U8/many-rows"),
  GATHER_1024_SEGMENTS(
      "gather_rows/packed-offsets", "the sums of one block", "gather_rows/U8/many-rows"),
  GATHER_1024_BYTES("gather_rows/packed", "the first 1024 bytes of a row"),

  PRUNE_NUCLEUS_ALONE("prune/golden", "targets are not packed"),
  PRUNE_TARGETS_UNMERGED("prune/packed", "targets without what was merged into them"),
  PRUNE_OFFSETS_WITH_DROPPED("prune/packed-offsets", "dropped segments count as if they stayed"),
  PRUNE_ASSIGNMENT_LOCAL("prune/assignment", "rows counted from the segment's first"),
  PRUNE_NO_MASS_OF_DROPPED("prune/kept-mass", "0 for a dropped segment"),
  PRUNE_KEEPS_DROPPED("prune/packed-rows", "dropped segments stay"),
  PRUNE_FIRST_KEPT("prune/packed-rows", "a dropped segment leaves its first kept rows"),
  PRUNE_FLAGS_OF_SELECTION("prune/flags", "ZERO_KEY is lost"),
  PRUNE_ROLE_OF_DROPPED("prune/role", "dropped segments have no roles"),
  PRUNE_32_SEGMENTS("prune/packed-offsets", "a segment to each thread of a warp"),
  PRUNE_128_BYTES("prune/packed", "the first 128 bytes of a row", "prune/F32/wide-rows");

  final String rule;
  final String what;

  /** A case in which it shows, if that is a large one; else empty. */
  final String large;

  Mutation(String rule, String what) {
    this(rule, what, "");
  }

  Mutation(String rule, String what, String large) {
    this.rule = rule;
    this.what = what;
    this.large = large;
  }
}

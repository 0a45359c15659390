package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Progress;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** The 8-bit pictures of volumes, resized as a family's processor does, by size. Owns them. */
final class PreparedVolumes implements AutoCloseable {
  /** A volume that the family can take. */
  private record Planned(int index, SliceImages images, Preparation how, long maxGap) {}

  private final List<VolumeGroup> groups = new ArrayList<>();

  /** Volumes of a family; nothing is resized yet. */
  private PreparedVolumes() {}

  /**
   * Looks whether a volume can be encoded; nothing is computed.
   *
   * @throws IllegalArgumentException if it has no slices, or the policy cannot be applied to it
   * @throws InputException if the encoder cannot take pictures of its size
   */
  static void check(ModelFamily family, SliceImages images, PruningPolicy policy) {
    plan(family, 0, images, policy);
  }

  /** The same for several; the message says which. */
  static void checkAll(ModelFamily family, List<SliceImages> volumes, PruningPolicy policy) {
    planAll(family, volumes, policy);
  }

  /**
   * Resizes the pictures of all volumes, once all are known to be good.
   *
   * @throws IllegalArgumentException naming the volume, as {@link #check}
   * @throws InputException naming the volume, as {@link #check}
   */
  static PreparedVolumes of(
      ModelFamily family, List<SliceImages> volumes, PruningPolicy policy, Progress progress) {
    Map<SmartResize.Size, List<Planned>> bySize = new LinkedHashMap<>();
    for (Planned p : planAll(family, volumes, policy)) {
      bySize.computeIfAbsent(p.how.size(), size -> new ArrayList<>()).add(p);
    }
    int total = volumes.stream().mapToInt(SliceImages::count).sum();
    PreparedVolumes prepared = new PreparedVolumes();
    boolean ok = false;
    try {
      int done = 0;
      for (List<Planned> group : bySize.values()) {
        int before = done;
        // Stage 1 takes those with one bound in one call.
        group.sort(Comparator.comparingLong(Planned::maxGap));
        VolumeGroup added =
            prepared.add(
                family, group, (stage, n, count) -> progress.update(stage, before + n, total));
        done += added.pixels().count();
      }
      ok = true;
      return prepared;
    } finally {
      if (!ok) {
        prepared.close();
      }
    }
  }

  private VolumeGroup add(ModelFamily family, List<Planned> group, Progress progress) {
    List<VolumeGroup.Member> members = new ArrayList<>();
    int first = 0;
    for (Planned p : group) {
      members.add(new VolumeGroup.Member(p.index, first, p.images.info(), p.maxGap));
      first += p.images.count();
    }
    PixelSource pixels =
        family.pixels(group.stream().map(Planned::images).toList(), group.getFirst().how, progress);
    boolean ok = false;
    try {
      VolumeGroup added = new VolumeGroup(pixels, family.vision(pixels), members);
      groups.add(added);
      ok = true;
      return added;
    } finally {
      if (!ok) {
        pixels.close();
      }
    }
  }

  private static List<Planned> planAll(
      ModelFamily family, List<SliceImages> volumes, PruningPolicy policy) {
    List<Planned> planned = new ArrayList<>();
    for (int i = 0; i < volumes.size(); i++) {
      try {
        planned.add(plan(family, i, volumes.get(i), policy));
      } catch (InputException e) {
        throw new InputException("volumes[" + i + "]: " + e.getMessage(), e);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("volumes[" + i + "]: " + e.getMessage(), e);
      }
    }
    return planned;
  }

  private static Planned plan(
      ModelFamily family, int index, SliceImages images, PruningPolicy policy) {
    if (images.count() == 0) {
      throw new IllegalArgumentException("slices: there are none");
    }
    VolumeEncoder.checkPolicy(policy);
    return new Planned(
        index,
        images,
        family.preparation(images, policy.resizing()),
        maxGap(policy, images.spacingMm(), images.info()));
  }

  /** The bound on the gap between kept slices, where slices are dropped at all. */
  static long maxGap(PruningPolicy policy, double spacingMm, List<SliceInfo> info) {
    return policy.sliceAnchoring()
        ? policy.maxGap(spacingMm, info.stream().mapToDouble(SliceInfo::positionMm).toArray())
        : 0;
  }

  /** The volumes by size of their pictures. */
  List<VolumeGroup> groups() {
    return groups;
  }

  @Override
  public void close() {
    groups.forEach(g -> g.pixels().close());
  }
}

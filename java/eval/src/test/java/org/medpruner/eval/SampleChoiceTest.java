package org.medpruner.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SampleChoiceTest {
  /** Three questions about each of some volumes. */
  private static List<Sample> samples(int volumes) {
    List<Sample> all = new ArrayList<>();
    for (int v = 0; v < volumes; ++v) {
      for (int q = 0; q < 3; ++q) {
        all.add(new Sample(v + "-" + q, "v" + v, "", Sample.Kind.OPEN, "Q?", "A", Map.of()));
      }
    }
    return all;
  }

  @Test
  void drawsWholeVolumesInTheirOrder() {
    List<Sample> all = samples(10);
    List<Sample> chosen = SampleChoice.choose(all, 7, 3);
    assertEquals(7, chosen.size());
    assertEquals(all.stream().filter(chosen::contains).toList(), chosen);
    List<Integer> sizes =
        SampleChoice.byVolume(chosen).values().stream().map(List::size).sorted().toList();
    assertEquals(List.of(1, 3, 3), sizes);
    assertEquals(chosen, SampleChoice.choose(all, 7, 3));
  }

  @Test
  void noLimitIsAll() {
    List<Sample> all = samples(2);
    assertSame(all, SampleChoice.choose(all, 0, 1));
    assertSame(all, SampleChoice.choose(all, 6, 1));
  }

  @Test
  void smallSeedsDrawAsDifferentlyAsLargeOnes() {
    List<Sample> all = samples(4);
    Map<String, Integer> drawn = new HashMap<>();
    for (int seed = 0; seed < 40; ++seed) {
      drawn.merge(SampleChoice.choose(all, 3, seed).getFirst().volume(), 1, Integer::sum);
    }
    // Ten each are expected; java.util.Random never takes the third with these seeds.
    assertEquals(4, drawn.size(), drawn.toString());
    assertTrue(drawn.values().stream().allMatch(n -> n >= 4), drawn.toString());
  }
}

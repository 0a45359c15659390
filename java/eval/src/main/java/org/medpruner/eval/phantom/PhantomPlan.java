package org.medpruner.eval.phantom;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/**
 * Which volumes there are and what is asked about each. Questions come in blocks of twenty about
 * seven volumes (no lesion; one, in each organ; two; three), and each block is balanced: every
 * organ once with and once without a lesion, every organ and each side equally often, every count
 * once. So a guess scores at chance over any whole number of blocks.
 */
final class PhantomPlan {
  /** Questions of a block: 8 presence, 4 organ, 4 side, 4 count. */
  static final int BLOCK = 20;

  /** A volume and what is asked about it. */
  record Item(long seed, List<Organ> lesions, List<PhantomQuestion> questions) {
    Item {
      lesions = List.copyOf(lesions);
      questions = List.copyOf(questions);
    }
  }

  private PhantomPlan() {}

  /** The volumes of the first {@code questions} questions, in order. */
  static List<Item> of(int questions, long seed) {
    List<Item> items = new ArrayList<>();
    int left = questions;
    for (int block = 0; left > 0; block++) {
      for (Item item : block(seed, block)) {
        int take = Math.min(left, item.questions().size());
        if (take > 0) {
          items.add(new Item(item.seed(), item.lesions(), item.questions().subList(0, take)));
          left -= take;
        }
      }
    }
    return items;
  }

  private static List<Item> block(long seed, int block) {
    PhantomRandom r = new PhantomRandom(PhantomRandom.derive(seed, -1 - block));
    List<List<Organ>> volumes = new ArrayList<>();
    volumes.add(List.of());
    for (Organ o : Organ.values()) {
      volumes.add(List.of(o));
    }
    volumes.add(some(r, 2));
    volumes.add(some(r, 3));
    r.shuffle(volumes);
    List<List<PhantomQuestion>> asked = new ArrayList<>();
    for (List<Organ> v : volumes) {
      List<PhantomQuestion> q = new ArrayList<>();
      if (v.size() == 1) {
        q.add(PhantomQuestion.organ(v.getFirst()));
        q.add(PhantomQuestion.side(v.getFirst()));
      }
      asked.add(q);
    }
    for (Organ o : Organ.values()) {
      for (boolean there : new boolean[] {true, false}) {
        int v = pick(r, volumes, lesions -> lesions.contains(o) == there);
        asked.get(v).add(PhantomQuestion.presence(o, volumes.get(v)));
      }
    }
    for (int n = 0; n < 4; n++) {
      int count = n;
      int v = pick(r, volumes, lesions -> lesions.size() == count);
      asked.get(v).add(PhantomQuestion.count(volumes.get(v)));
    }
    List<Item> items = new ArrayList<>();
    for (int v = 0; v < volumes.size(); v++) {
      r.shuffle(asked.get(v));
      long own = PhantomRandom.derive(seed, (long) block * volumes.size() + v);
      items.add(new Item(own, volumes.get(v), asked.get(v)));
    }
    return items;
  }

  /** Distinct organs, in the order of the enum. */
  private static List<Organ> some(PhantomRandom r, int count) {
    List<Organ> organs = new ArrayList<>(List.of(Organ.values()));
    r.shuffle(organs);
    Set<Organ> sorted = EnumSet.copyOf(organs.subList(0, count));
    return List.copyOf(sorted);
  }

  private static int pick(
      PhantomRandom r, List<List<Organ>> volumes, Predicate<List<Organ>> condition) {
    List<Integer> fit = new ArrayList<>();
    for (int v = 0; v < volumes.size(); v++) {
      if (condition.test(volumes.get(v))) {
        fit.add(v);
      }
    }
    return fit.get(r.below(fit.size()));
  }
}

"""The `google` prompt layout (and the `reference` one) as the command renders it."""

INSTRUCTION = (
    "You are an instructor teaching medical students. You are analyzing a contiguous block of CT slices "
    "from the center of the abdomen. Please review the slices provided below carefully.")
CLOSED_SUFFIX = "\nAnswer with the option's letter from the given choices directly."
OPEN_SUFFIX = "\nPlease answer the question concisely."
TOKENS_PER_SLICE = 64
PICTURE = "\n\n<start_of_image>" + "<image_soft_token>" * TOKENS_PER_SLICE + "<end_of_image>\n\n"


def volume_part(slices, layout="google"):
    """Everything before the question."""
    head = "<bos><start_of_turn>user\n"
    if layout == "google":
        return head + INSTRUCTION + "".join(PICTURE + f"SLICE {s + 1}" for s in range(slices))
    return head + "".join(f"SLICE {s + 1}:" + PICTURE for s in range(slices))


def question_part(question):
    return question.strip() + "<end_of_turn>\n<start_of_turn>model\n"


def forms(question):
    """(text, answer, probability) of each way to ask one of the generator's questions."""
    plain, choices = question["text"], question["withChoices"]
    letter, answer = question["letter"], question["answer"]
    return [
        (choices, letter, 0.4),
        (choices + CLOSED_SUFFIX, letter, 0.2),
        (plain, answer, 0.3),
        (plain + OPEN_SUFFIX, answer, 0.1),
    ]

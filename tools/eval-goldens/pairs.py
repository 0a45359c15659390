"""(prediction, gold) pairs that reach every quirk of the metrics, and words for stems and synonyms."""

LONG = "There is no pleural effusion. The heart is normal. " * 20  # more than 32 periods

PAIRS = [
    ("right hilar area", "right hilar region."),
    ("the liver liver is normal", "liver normal"),
    ("", "normal"),
    ("normal", ""),
    ("", ""),
    ("   ", "left kidney"),
    (".", "no effusion"),
    ("...", "no effusion."),
    ("The", "a"),
    ("left kidney", "left kidney"),
    ("Left Kidney.", "left kidney"),
    ("kidneys", "kidney"),
    ("kidney, left", "left kidney"),
    ("2.5 cm", "2.5 cm"),
    ("30x13 mm", "30 x 13 mm"),
    ("The right lung, no effusion.", "right lung no effusion"),
    ("one (1) nodule", "1 nodule"),
    ("a/b test", "b test"),
    ("1,000 units", "1000 units"),
    ("1,000 mm (left-sided) mass; stable", "1000 mm left sided mass, stable"),
    ("U.S.A", "usa"),
    ("none", "0"),
    ("zero lesions", "none"),
    ("There are three lesions in the liver", "3 lesions"),
    ("it isnt enlarged, doesnt enhance", "it isn't enlarged and doesn't enhance"),
    ("She's fine; theyre not. Dont know!", "she's fine, they're not; don't know"),
    ("mass mass mass", "mass"),
    ("mass", "mass mass mass"),
    ("the the the the", "the cat sat on the mat"),
    ("hepatomegaly with steatosis", "enlarged fatty liver"),
    ("The lesion is located in the spleen", "The lesion lies in the spleen"),
    ("big tumor in the stomach", "large tumour in the tummy"),
    ("physician sees a swelling", "doctor saw swellings"),
    ("dying tissue, lying near the skies", "dead tissue lies near the sky"),
    ("calcified calcification calcifies", "calcifying calcifications"),
    ("geological anthropology historically usefully", "geology anthropologist historical useful"),
    ("generalization of organizational abnormalities", "general organization abnormality"),
    ("men feet geese better worst", "man foot goose good bad"),
    ("axial plane", "Axial"),
    ("arterial phase", "C+ arterial phase"),
    ("Portal venous phase", "venous phase, portal"),
    ("pneumothorax", "no pneumothorax"),
    ("No evidence of pulmonary embolism.", "There is no evidence of pulmonary embolism."),
    ("No evidence of PE. Lungs are clear. Heart size normal.", "Lungs clear. No PE. Normal heart size."),
    ("Lungs are clear.  . Heart normal.", "Heart normal. Lungs are clear"),
    ("A.B..C", "a b c"),
    ("0.8 cm nodule. 2.5 x 3.1 cm cyst.", "0.8 cm nodule, cyst of 2.5 x 3.1 cm."),
    ("Fläche 2,5 cm² – Änderung", "fläche 2.5 cm² - änderung"),
    ("naïve coöperation\u00a0with\u2003spaces", "naïve coöperation with spaces"),
    ("\u0130stanbul ΟΔΟΣ straße", "i\u0307stanbul οδος strasse"),
    ("肺に結節があります。", "肺に 結節 があります。"),
    ("nodule 🫁 right lung", "🫁 nodule in right lung"),
    ("right-sided pleural_effusion [small] {mild} \"trace\"", "right sided pleural effusion small mild trace"),
    ("what? yes! <no> @home `code` a=b+c \\ d", "what yes no home code a b c d"),
    ("don't-know -  maybe", "dont know maybe"),
    ("tab\tseparated\nlines\r\nhere", "tab separated lines here"),
    ("\x1cfile separators\x1dhere\x85next", "file separators here next"),
    (LONG, LONG.replace("normal", "enlarged")),
    ("a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w.x.y.z.a.b.c.d.e.f.g.h. .i. .j.", "abcdefghij"),
    ("The quick liver. A quick spleen. The slow liver.", "The slow liver. The quick spleen. Quick liver liver."),
    ("enhancement enhancing enhanced", "enhances enhancers"),
    ("metastases in both lungs and multiple vertebral bodies", "pulmonary metastasis and osseous metastases"),
    ("There is a 12 mm hypodense lesion in segment VII of the liver", "A hypodense hepatic lesion measuring 12 mm is seen in segment VII"),
    ("ct scan shows dilated bile ducts", "CT shows dilatation of the biliary tree"),
    ("yes", "Yes."),
    ("ten", "10"),
    ("nine of ten", "9 of 10"),
    ("gallbladder", "gall bladder"),
    ("the answer is the left upper lobe", "left upper lobe"),
    ("abc" * 200, "abc" * 200),
]

REPORTS = [
    ("Findings: The liver is normal. Impression: No acute findings.",
     "Findings: The liver is normal in size. Impression: No acute disease."),
    ("Findings:\nThe liver is enlarged.\nImpression:\nHepatomegaly.",
     "Findings: Liver enlarged.\nImpression: Hepatomegaly."),
    ("", "Findings: Normal. Impression: Normal."),
    ("Findings:Impression:", "Findings: Normal. Impression: Normal."),
    ("Findings: Impression:", "Findings: Normal. Impression: Normal."),
    ("findings: small effusion. impression: effusion.", "Findings: Small effusion. Impression: Effusion."),
    ("The spleen measures 12.5 cm. No lymphadenopathy.", "Findings: Spleen 12.5 cm. Impression: Splenomegaly."),
    ("No.", "Findings: Multiple hypodense lesions are seen in both kidneys. Impression: Cysts."),
    ("The aorta is normal. " * 120, "Findings: The aorta is normal. " * 8 + "Impression: Normal aorta."),
    ("é" * 2047 + " b aorta.", "Findings: aorta b. Impression: none."),
    ("Kidneys are unremarkable. Bladder is distended. Prostate is enlarged.",
     "Findings: The kidneys are unremarkable. The bladder is distended. The prostate gland is enlarged. "
     "Impression: Prostatomegaly."),
    ("Kidneys are unremarkable. Bladder is distended. Prostate is enlarged.",
     "Kidneys are unremarkable. Bladder is distended. Prostate is enlarged."),
    # Tokens of reports end at single spaces: one with a line break in it is no word of WordNet.
    ("Findings:\nLiver is normal.", "Liver is normal."),
    ("Findings: \nLiver normal", "liver normal"),
]

CLOSED = [
    "B", "B.", "B) No", "b. no", "Aorta", "Both lungs", "Based on the CT, the answer is A", "dense",
    "The answer is B", "(C)", "**B**", "Yes", "yes.", "A.Yes", "  d  ", "", "a", "E", "D.", "D:", "c) maybe",
    "no", "A\nYes", "\u00a0b", "Answer: C", "B B", "a-b", "b]",
]

STEMS = """caresses ponies ties caress cats feed agreed plastered bled motoring sing conflated troubled sized
hopping tanned falling hissing fizzed failing filing happy sky skies dying lying tying news innings inning outings
outing cannings canning howe proceed exceed succeed relational conditional rational valenci hesitanci digitizer
conformabli radicalli differentli vileli analogousli vietnamization predication operator feudalism decisiveness
hopefulness callousness formaliti sensitiviti sensibiliti triplicate formative formalize electriciti electrical
hopeful goodness revival allowance inference airliner gyroscopic adjustable defensible irritant replacement
adjustment dependent adoption homologou communism activate angulariti homologous effective bowdlerize probate rate
cease controll roll dies died spied flies tries spy enjoy enjoyment by say toy syzygy geology theology archaeology
logi ology usefully hopefully carefully fully dully a as is be me ing ed ied ies eed bed red sing being king
calcification calcified abnormalities metastases vertebral effusion effusions hypodense hyperdense enhancement
enhancing pneumothorax atelectasis consolidation opacities opacity hepatomegaly splenomegaly lymphadenopathy
biliary dilatation dilated stenosis stenotic aneurysm aneurysmal thrombosis embolism embolic haemorrhage
hemorrhagic infarction ischemia ischaemic cysts cystic nodules nodular masses lesions lesion's x-ray 2.5 10mm
naïve cœur straße generalization generalizations organizational historically really totally manually orally
allalli rationally possibly ably ability abilities probabilities oscillators hospitalized hospitalization iz at bl
aating hatting ratting oing owed snowing boxed fixing played ay yy yyy eye eyes yes university universally ly lly
ll ill illing fall fell filling ion sion tion union mansion adoption religion question ement cement element
movement ent event went dement lie lied ised ized sees see seeing agree agreeing freed treed weed needed fiery
dried dry drying sully silly analogy biology cytology biologi pathological pathologic pathologist radiologically"""

SYNONYMS = """kidney kidneys big large physician doctor lesion lesions tumor tumour mass liver hepat heart geese
better worst wolves men women bodies dies axes analyses analysis metastases metastasis seen saw left right ct
well running ran leaves boxes churches dishes buzzes carri abdomen belli stomach tummy xyzzy a i no 0 mr. u.s.
wider widest quickly aortas data criteria radii foci ss sss does has is was be abnormality small enlarg enhanc
normal show shown swelling swell gray grey colour color fetus foetus ax dwarves staves ves ses men s ing ed er
est oxen mice feet teeth vertebrae ribs arteries veins vein'""" .split()

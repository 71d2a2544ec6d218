"""Questions in wider words than the names of classes, and which classes answer them.

They were written down before the method that they measure. The answers are synsets of WordNet 3.0,
each with all that is below it. Every second question, from the first on, is for development; the
others are for the test.
"""

from __future__ import annotations

WIDE_WORDS = {
    "a vehicle": "n04524313",
    "something that flies": "n01503061 n02686568 n02274259 n02206856 n02190166",
    "a musical instrument": "n03800933",
    "furniture to sit on": "n04161981",
    "a fish": "n02512053",
    "something to eat": "n00021265 n07555863 n07705931 n07707451 n07557434",
    "a boat or a ship": "n04530566",
    "a big cat": "n02127808",
    "a snake": "n01726692",
    "clothes": "n03051540",
    "a bird": "n01503061",
    "a monkey or an ape": "n02469914",
    "a building": "n02913152",
    "an insect": "n02159955",
    "a computer or a part of one": "n03082979 n03085013 n03793489",
    "something to drink from": "n03797390 n03438257 n03443371 n02876657",
    "a weapon": "n04565375",
    "a lizard": "n01674464",
    "a dog": "n02084071",
    "a bear": "n02131653",
    "a truck": "n04490091",
    "a kitchen utensil": "n03621049 n03101986",
    "a fruit": "n07705931",
    "a clock or a watch": "n04437953",
    "headgear": "n03502509",
    "a spider": "n01772222",
    "a turtle": "n01662784",
    "footwear": "n03381126 n03380867",
    "a tool": "n04451818",
    "a frog": "n01639765",
    "a ball": "n02778669",
    "a horse-drawn cart": "n02970849",
    "a wild dog, a wolf or a fox": "n02115335 n02114100 n02118333",
    "a train": "n04468005 n03684823",
    "a vegetable": "n07707451",
    "an animal with hooves": "n02370806",
    "a household appliance": "n03528263 n04580493",
    "a camera": "n02942699",
    "a bag": "n02773037",
    "a shop": "n03748162",
}

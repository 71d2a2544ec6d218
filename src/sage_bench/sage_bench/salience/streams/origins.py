"""Where the recordings of the sealed half come from, and the commands that fetch them.

They were listed before anything was run on them, and serve nothing else: no training, no choice of
a constant, no other bench, no demo, no test. A video is one take of a real camera in which somebody
or something moves all the time and nobody enters or leaves; a place is a sound that is never 20 dB
quieter than at its loudest second. Sounds of events are all of their folders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VIDEO, PHOTOGRAPH, EVENT_SOUND = "video", "photograph", "event sound"
ROOM, PLACE, RESPONSE, INERTIAL = "room", "other place", "room's response", "IMU"
_SCRATCH_SOUNDS = "usr/share/scratch/Media/Sounds"


@dataclass(frozen=True)
class Origin:
    """A public repository at a commit, or a package of Debian at a version.

    Attributes:
        folder: in which its files lie, within the folder of the sealed recordings.
        address: URL of the repository; "": it is a package of Debian, of the folder's name.
        version: commit or version.
        licence: of the files that are used, as their owners state it.
        files: what is used of it, by use: paths within the folder, or patterns of paths.
    """

    folder: str
    address: str
    version: str
    licence: str
    files: Mapping[str, tuple[str, ...]]

    @property
    def commands(self) -> tuple[str, ...]:
        """What fetches the files; to be run in the folder of the sealed recordings."""
        if not self.address:
            file = f"{self.folder}_*.deb"
            return (
                f"apt-get download {self.folder}={self.version}",
                f"dpkg-deb -x {file} {self.folder}",
            )
        paths = " ".join(f"'{pattern}'" for chosen in self.files.values() for pattern in chosen)
        return (
            f"git clone --filter=blob:none --no-checkout {self.address} {self.folder}",
            f"git -C {self.folder} checkout {self.version} -- {paths}",
        )


SEALED_ORIGINS = (
    Origin(
        "sam2",
        "https://github.com/facebookresearch/sam2",
        "2b90b9f5ceec907a1c18123530e92e794ad901a4",
        "Apache-2.0",
        {
            VIDEO: (
                "demo/data/gallery/02_cups.mp4",
                "demo/data/gallery/04_coffee.mp4",
                "demo/data/gallery/05_default_juggle.mp4",
                "notebooks/videos/bedroom.mp4",
            )
        },
    ),
    Origin(
        "mmaction2",
        "https://github.com/open-mmlab/mmaction2",
        "4d6c93474730cad2f25e51109adcf96824efc7a3",
        "Apache-2.0",
        {VIDEO: ("demo/test_video_structuralize.mp4", "tests/data/test.mp4")},
    ),
    Origin(
        "CBSD68-dataset",
        "https://github.com/clausmichele/CBSD68-dataset",
        "51a07a95884ac7c8bdd5d1614f9da781adc3c4a0",
        "non-commercial research (Berkeley Segmentation Dataset)",
        {PHOTOGRAPH: ("CBSD68/original_png/*.png",)},
    ),
    Origin(
        "moodist",
        "https://github.com/remvze/moodist",
        "983f7412e8cd054e76d156977c563da2028e4428",
        "Pixabay Content License or CC0",
        {
            ROOM: (
                "public/sounds/places/cafe.mp3",
                "public/sounds/places/construction-site.mp3",
                "public/sounds/places/crowded-bar.mp3",
                "public/sounds/places/laundry-room.mp3",
                "public/sounds/places/library.mp3",
                "public/sounds/places/supermarket.mp3",
                "public/sounds/transport/inside-a-train.mp3",
                "public/sounds/urban/busy-street.mp3",
            ),
            PLACE: (
                "public/sounds/nature/jungle.mp3",
                "public/sounds/nature/river.mp3",
                "public/sounds/nature/waterfall.mp3",
                "public/sounds/nature/waves.mp3",
                "public/sounds/nature/wind-in-trees.mp3",
                "public/sounds/places/night-village.mp3",
                "public/sounds/rain/heavy-rain.mp3",
                "public/sounds/rain/light-rain.mp3",
                "public/sounds/things/dryer.mp3",
                "public/sounds/transport/airplane.mp3",
            ),
        },
    ),
    Origin(
        "scratch",
        "",
        "1.4.0.6~dfsg1-6.1",
        "CC BY-SA 3.0",
        {
            EVENT_SOUND: tuple(
                f"{_SCRATCH_SOUNDS}/{kind}/*"
                for kind in ("Animal", "Effects", "Human", "Instruments", "Percussion")
            )
        },
    ),
    Origin(
        "audiomentations",
        "https://github.com/iver56/audiomentations",
        "73b94488279feda6542a2813c70ed0d00b49ee4f",
        "MIT",
        {RESPONSE: ("demo/ir/impulse_response_0.wav", "demo/ir/rir48000.wav")},
    ),
    Origin(
        "web-audio-samples",
        "https://github.com/GoogleChromeLabs/web-audio-samples",
        "f5fb1a57acce3f7f0a4aedb443de8cc39f206973",
        "Apache-2.0",
        {
            RESPONSE: (
                "src/sounds/impulse-responses/kitchen-true-stereo.wav",
                "src/sounds/impulse-responses/omni-35-10.wav",
            )
        },
    ),
    Origin(
        "broad",
        "https://github.com/dlaidig/broad",
        "7e2f8189bb4a3ac91eae32c69b6bc87f08a6e2ad",
        "CC BY 4.0",
        {
            INERTIAL: (
                "data_mat/02_undisturbed_slow_rotation_B.mat",
                "data_mat/11_undisturbed_slow_translation_B.mat",
            )
        },
    ),
    Origin(
        "driverBehaviorDataset",
        "https://github.com/jair-jr/driverBehaviorDataset",
        "b65118d794432a559932a4f58b9b6dd612f0bb22",
        "none stated; published with doi:10.1371/journal.pone.0174959",
        {
            INERTIAL: (
                "data/17/acelerometro_terra.csv",
                "data/17/giroscopio_terra.csv",
                "data/21/acelerometro_terra.csv",
                "data/21/giroscopio_terra.csv",
            )
        },
    ),
    Origin(
        "robot_localization",
        "https://github.com/cra-ros-pkg/robot_localization",
        "1cb953379378d13b3e0935ed73d0c7407bd80543",
        "BSD-3-Clause",
        {INERTIAL: ("test/test2.bag",)},
    ),
)

"""Given and family names as they are usual among the peoples of Indonesia."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from bot.registration.nik import Sex


class Custom(enum.Enum):
    """How a people makes a full name of its parts."""

    GIVEN_ONLY = enum.auto()
    """One to three given names; there are no family names."""
    FAMILY_NAME = enum.auto()
    """One or two given names, then the name of the family or clan."""
    BALINESE = enum.auto()
    """A word for the sex, one for the order of birth, then one or two given names."""


@dataclass(frozen=True, slots=True)
class BySex:
    """Names of men, and of women."""

    men: tuple[str, ...]
    women: tuple[str, ...]

    def of(self, sex: Sex) -> tuple[str, ...]:
        """Those of one sex."""
        return self.men if sex is Sex.MALE else self.women


@dataclass(frozen=True, slots=True)
class People:
    """The names of one people: ``first`` and ``last`` names, and titles of birth that may stand before them."""

    custom: Custom
    first: BySex
    last: BySex
    title: BySex | None = None


def _by_sex(men: str, women: str) -> BySex:
    return BySex(tuple(men.split()), tuple(women.split()))


def _family(names: str) -> BySex:
    return _by_sex(names, names)


JAVANESE: Final = People(
    Custom.GIVEN_ONLY,
    _by_sex(
        "Agus Bambang Budi Dwi Eko Hadi Joko Sigit Slamet Sugeng Sutrisno Tri Wahyu Yudi Widodo Teguh "
        "Suryanto Bagus Danang Galih Ari Heru Rudi Wawan Anto Catur Purwanto Sapto Adi Bayu Fajar Hendro Arif",
        "Siti Sri Endang Wulan Ratna Dewi Retno Ningsih Tri Dwi Eni Sulastri Yuni Kartika Puji Suharti Widya "
        "Anik Indah Rini Setyowati Tutik Murni Novi Partini Hesti Laras Nanik Titik Umi",
    ),
    _by_sex(
        "Wibowo Santoso Prasetyo Nugroho Susanto Wijaya Kurniawan Setiawan Hidayat Purnomo Saputra Raharjo "
        "Utomo Kuncoro Kusuma Hartanto Widianto Mulyono Supriyadi",
        "Wulandari Handayani Lestari Wahyuni Rahayu Astuti Purwanti Setyaningsih Puspitasari Anggraini "
        "Pratiwi Permata Utami Kusumawati Widyastuti Suryaningsih Maharani",
    ),
)

SUNDANESE: Final = People(
    Custom.GIVEN_ONLY,
    _by_sex(
        "Asep Dadang Ujang Cecep Dede Iwan Deden Encep Yayan Tatang Ade Jajang Maman Nandang Rahmat Usep Yana "
        "Aep Didin Entis Gilang Ridwan",
        "Neneng Euis Lilis Imas Ai Cucu Iis Nining Yeni Titin Teti Elis Rina Nia Tita Wiwin Yanti Heni Ida "
        "Mimin Pipit Susi Reni",
    ),
    _by_sex(
        "Suhendar Sutisna Hidayat Kusnadi Permana Gunawan Supriatna Mulyana Ramdani Sudrajat Saepudin Hermawan Kurnia",
        "Nurjanah Rohaeti Kurniasih Suryani Maryati Sopiah Hasanah Fitriani Rosmiati Yuliani Nurhayati "
        "Kartini Rohayati",
    ),
)

BATAK: Final = People(
    Custom.FAMILY_NAME,
    _by_sex(
        "Binsar Togar Parlindungan Jonathan Ronald Hotman Marulak Poltak Tigor Daniel Rikardo Andar Gomgom Pardamean",
        "Rotua Tiurma Lasma Marintan Duma Hotmaida Roslina Sondang Tioma Debora Maria Riris Lamria Melva Nurhaida",
    ),
    _family(
        "Simanjuntak Siregar Nasution Harahap Lubis Hutapea Sitompul Panjaitan Sinaga Situmorang Simbolon "
        "Manurung Tarigan Sembiring Ginting Purba Saragih Hutagalung Napitupulu Pasaribu",
    ),
)

MINANGKABAU: Final = People(
    Custom.GIVEN_ONLY,
    _by_sex(
        "Afrizal Zulkifli Syafril Hendri Yusrizal Rinaldi Doni Zainal Syahrul Fauzan Ilham Rahmad Afdal Irwan Masrizal",
        "Yulia Fitri Desi Elvira Nurhasanah Rahmi Silvia Yusnidar Wirda Asmawati Gusmarni Leni Murniati Reni Upik",
    ),
    _by_sex(
        "Chaniago Koto Piliang Sikumbang Tanjung Jambak Putra Hasan Rahman Eka Guci Saputra",
        "Chaniago Koto Piliang Sikumbang Tanjung Jambak Putri Yanti Wati Ningsih Eka Guci",
    ),
)

ACEHNESE: Final = People(
    Custom.GIVEN_ONLY,
    _by_sex(
        "Muhammad Iskandar Zulfikar Fakhrurrazi Mukhlis Razali Saiful Munawar Nasruddin Bustami Ridha Faisal Hasbi",
        "Nurul Rahmah Mutia Safrina Husna Zahara Nuraini Maulida Fatimah Rauzah Ainul Khairunnisa Suryani Eva",
    ),
    _by_sex(
        "Akbar Syah Ismail Yusuf Abdullah Ibrahim Usman Daud Hasan Maulana Husin",
        "Fitria Rahmi Sari Putri Ulfa Hayati Zuhra Maghfirah Usman Ismail",
    ),
    title=_by_sex("Teuku", "Cut"),
)

MALAY: Final = People(
    Custom.GIVEN_ONLY,
    _by_sex(
        "Ahmad Rizal Syamsul Hamdan Zulkarnain Firdaus Rusli Anwar Taufik Junaidi Syarif Mahmud Hairul Arifin",
        "Nur Aisyah Halimah Rohani Zubaidah Mariam Salmah Hasnah Rosmini Nurlela Khadijah Jamilah Maimunah Yuliana",
    ),
    _by_sex(
        "Hakim Effendi Saputra Rahman Hamid Azis Ramadhan Bahri Fadillah Syahputra",
        "Aini Hidayati Azizah Safitri Amelia Sari Wardah Ramadhani Lubna Oktavia",
    ),
)

BALINESE: Final = People(
    Custom.BALINESE,
    _by_sex(
        "Agus Surya Adi Arya Dharma Wira Yoga Putra Sudarma Suardana Artawan Mahendra Widana Sujana Budiarta",
        "Ayu Sri Suci Dewi Ratih Indah Sukma Widiasih Suryani Yuliani Purnami Astiti Sekar Mirah Laksmi Candra",
    ),
    _by_sex(
        "Wijaya Pratama Suputra Wirawan Adnyana Antara Saputra Mahardika",
        "Lestari Pertiwi Utami Damayanti Puspita Arini Saraswati Artini",
    ),
)

BUGIS_MAKASSAR: Final = People(
    Custom.GIVEN_ONLY,
    _by_sex(
        "Baso Amiruddin Syamsuddin Muhtar Arifuddin Nasrun Ansar Kamaruddin Rustam Jufri Hasanuddin Zainuddin Akbar",
        "Besse Hasnawati Nurhaeda Mardiana Rosdiana Suriani Darmawati Kasmawati Nurlia Fatmawati Harlina Sitti",
    ),
    _by_sex(
        "Rahman Tahir Saleh Latif Mappasessu Patunru Rasyid Hamzah Basri Syam Amin Dahlan Halim Idris",
        "Rahman Tahir Saleh Latif Nur Amin Hamzah Syam Amir Mansyur Ramli",
    ),
    title=_by_sex("Andi", "Andi"),
)

BANJAR_DAYAK: Final = People(
    Custom.GIVEN_ONLY,
    _by_sex(
        "Muhammad Supian Yanto Rahmadi Hendri Fahmi Syahrani Yohanes Stefanus Kristian Aliansyah Rusmadi Suriansyah",
        "Noor Rusmini Mahrita Hamidah Norhayati Lisnawati Yohana Kristina Mariana Rabiatul Masniah Raudah Irene",
    ),
    _by_sex(
        "Hidayat Ilmi Syahputra Anshari Rangkap Sawung Usop Mulia Aspihani Noor",
        "Rahmah Jannah Fitriani Rangkap Sawung Usop Mulia Hasanah Lestari",
    ),
)

MINAHASAN_AND_EASTERN: Final = People(
    Custom.FAMILY_NAME,
    _by_sex(
        "Johan Stenly Ferdinand Yohanis Markus Petrus Melkias Frans Yosep Alfrets Semuel Ruben Novri Denny Marthen",
        "Grace Meiske Yohana Martha Selvi Debby Meyke Agustina Yuliana Fransina Novita Welmince Olivia Dorkas Marlin",
    ),
    _family(
        "Tumewu Wowor Mandagi Rumokoy Sondakh Lumentut Pattiasina Latuconsina Tuhumury Matulessy Wenda Kogoya "
        "Yoku Rumbiak Wanggai Mambrasar Nahak Bria Taolin Lobo",
    ),
)

CHINESE_INDONESIAN: Final = People(
    Custom.FAMILY_NAME,
    _by_sex(
        "Hendra Kevin Andreas Stefan Willy Ricky Edwin Felix Jimmy Lukas Michael Rudy",
        "Melissa Fenny Lina Jessica Sherly Vivian Yenny Cynthia Meliana Angela Natalia Grace",
    ),
    _family(
        "Gunawan Halim Wijaya Tanujaya Hartono Lim Tan Salim Kusumo Limanto Tjandra Setiadi",
    ),
)

#: Which peoples live where, by the first digits of the province's code, the most numerous first and again.
AT_HOME: Final = {
    "11": (ACEHNESE, ACEHNESE, ACEHNESE, JAVANESE, BATAK),
    "12": (BATAK, BATAK, BATAK, JAVANESE, MALAY, CHINESE_INDONESIAN),
    "13": (MINANGKABAU, MINANGKABAU, MINANGKABAU, MINANGKABAU, JAVANESE),
    "1": (MALAY, MALAY, JAVANESE, MINANGKABAU, BATAK),
    "18": (JAVANESE, JAVANESE, MALAY, SUNDANESE),
    "2": (MALAY, MALAY, JAVANESE, CHINESE_INDONESIAN, BATAK),
    "31": (JAVANESE, JAVANESE, SUNDANESE, SUNDANESE, BATAK, MINANGKABAU, MALAY, CHINESE_INDONESIAN),
    "32": (SUNDANESE, SUNDANESE, SUNDANESE, JAVANESE, CHINESE_INDONESIAN),
    "36": (SUNDANESE, SUNDANESE, JAVANESE, CHINESE_INDONESIAN),
    "3": (JAVANESE, JAVANESE, JAVANESE, JAVANESE, JAVANESE, SUNDANESE, CHINESE_INDONESIAN),
    "51": (BALINESE, BALINESE, BALINESE, BALINESE, JAVANESE),
    "5": (MINAHASAN_AND_EASTERN, MALAY, MALAY, JAVANESE, BALINESE),
    "6": (BANJAR_DAYAK, BANJAR_DAYAK, BANJAR_DAYAK, JAVANESE, MALAY, BUGIS_MAKASSAR),
    "7": (BUGIS_MAKASSAR, BUGIS_MAKASSAR, BUGIS_MAKASSAR, JAVANESE),
    "71": (MINAHASAN_AND_EASTERN, MINAHASAN_AND_EASTERN, BUGIS_MAKASSAR, JAVANESE),
    "8": (MINAHASAN_AND_EASTERN, MINAHASAN_AND_EASTERN, BUGIS_MAKASSAR, JAVANESE),
    "9": (MINAHASAN_AND_EASTERN, MINAHASAN_AND_EASTERN, MINAHASAN_AND_EASTERN, BUGIS_MAKASSAR, JAVANESE),
}

"""Presets: each lists the documented shape of its API, several pages, from the beginning and from every page on."""

import json
from pathlib import Path
from typing import Any

import pytest

import pupline.specs
from pupline.errors import ConfigurationError, SourceError
from pupline.http import HttpClient
from pupline.samples import SampleServer
from pupline.sources import resolve
from pupline.specs import presets, spec_named
from pupline.tasks.items import SourceItem
from tests.sources.recorded_apis import Asked, Listed, list_all, list_from_everywhere

KEYS = {
    "THE_CAT_API_KEY": "cat-key-1",
    "THE_DOG_API_KEY": "dog-key-1",
    "PEXELS_API_KEY": "pexels-key-1",
    "NASA_API_KEY": "nasa-key-1",
    "OPENVERSE_CLIENT_ID": "verse-id-1",
    "OPENVERSE_CLIENT_SECRET": "verse-secret-1",
}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def listed(name: str, api: Any) -> Listed:
    """All that a preset lists of `api`; no secret may be in what it says or keeps."""
    done = list_from_everywhere(resolve(name), api, contact="ops@example.org")
    told = "".join([*done.notes, *done.positions, *map(str, done.requests), *map(repr, done.items)])
    assert not [secret for secret in KEYS.values() if secret in told]
    return done


def test_there_is_a_preset_for_each_api_that_allows_it() -> None:
    """Unsplash is not among them: its terms forbid to compile a copy."""
    assert set(presets()) == {
        "art-institute-of-chicago",
        "cleveland-museum-of-art",
        "dog-ceo",
        "dog-ceo-random",
        "gbif",
        "inaturalist",
        "nasa-apod",
        "openverse",
        "pexels",
        "random-fox",
        "the-cat-api",
        "the-dog-api",
        "the-met",
        "wikimedia-commons",
        "sample",
        "sample-hostile",
    }


@pytest.mark.parametrize("name", presets())
def test_every_preset_says_what_it_is(name: str) -> None:
    """Its name is its file's; it has a line for people, and a dataset of its name."""
    spec = spec_named(name)
    assert spec is not None
    assert (spec.name, resolve(name).dataset) == (name, name)
    assert spec.title.endswith(".")
    assert spec.terms.url or name.startswith("sample")


def test_dog_ceo_lists_breeds_and_sub_breeds() -> None:
    """Ids are `hound` and `hound/afghan`; labels and id come from the image's URL."""
    images = {
        "hound": ["hound-afghan/n02088094_1003.jpg", "hound-basset/n1.jpg"],
        "hound/afghan": ["hound-afghan/n02088094_1003.jpg"],
        "pug": ["pug/n3.jpg"],
    }

    def api(asked: Asked) -> Any:
        if asked.path == "/api/breeds/list/all":
            return {"message": {"hound": ["afghan"], "pug": []}, "status": "success"}
        breed = asked.path.removeprefix("/api/breed/").removesuffix("/images")
        return {"message": [f"https://images.dog.ceo/breeds/{name}" for name in images[breed]], "status": "success"}

    done = listed("dog-ceo", api)
    assert done.items[0] == SourceItem(
        url="https://images.dog.ceo/breeds/hound-afghan/n02088094_1003.jpg",
        id="hound-afghan/n02088094_1003.jpg",
        labels=("hound", "afghan"),
    )
    assert len(done.items) == 4
    assert done.items[3].labels == ("pug",)


@pytest.mark.parametrize("message", [{}, []])
def test_dog_ceo_without_a_breed_is_an_error(message: Any) -> None:
    """An empty message would be an ingest that has succeeded with nothing."""
    with pytest.raises(SourceError, match="could not answer"):
        list_all(resolve("dog-ceo").open(), lambda _: {"message": message, "status": "success"})


def test_a_breed_of_dog_ceo_without_a_picture_is_left_out_and_said() -> None:
    """The other breeds are listed."""

    def api(asked: Asked) -> Any:
        if asked.path == "/api/breeds/list/all":
            return {"message": {"hound": [], "pug": []}, "status": "success"}
        pictures = [] if "hound" in asked.path else ["https://images.dog.ceo/breeds/pug/1.jpg"]
        return {"message": pictures, "status": "success"}

    done = list_all(resolve("dog-ceo").open(), api)
    assert done.urls == ["https://images.dog.ceo/breeds/pug/1.jpg"]
    assert "could not answer" in done.notes[0]
    assert done.shortfall is not None


@pytest.mark.parametrize(
    "message", ["https://images.dog.ceo/breeds/pug/1.jpg", ["https://images.dog.ceo/breeds/pug/1.jpg"]]
)
def test_dog_ceo_random_takes_a_text_or_a_list(message: Any) -> None:
    """The API gives the one or the other, by how many are asked for."""
    done = list_all(resolve("dog-ceo-random").open(), lambda _: {"message": message, "status": "success"})
    assert set(done.urls) == {"https://images.dog.ceo/breeds/pug/1.jpg"}
    assert done.requests[0].url.endswith("/breeds/image/random/50")


@pytest.mark.parametrize("animal", ["cat", "dog"])
def test_the_cat_and_dog_api(animal: str) -> None:
    """Pages from 0 on, with the key in a header; breeds are objects, maybe none."""

    def api(asked: Asked) -> Any:
        assert asked.headers["x-api-key"] == f"{animal}-key-1"
        assert (asked.query["order"], asked.query["mime_types"]) == ("ASC", "jpg,png,gif")
        start, limit = int(asked.query["page"]) * int(asked.query["limit"]), int(asked.query["limit"])
        ids = range(start, min(start + limit, 25))
        return [
            {
                "id": f"i{n}",
                "url": f"https://cdn2.example/{n}.png",
                "width": 640,
                "height": 480,
                "breeds": [{"name": "Pug"}],
            }
            for n in ids
        ]

    done = listed(f"the-{animal}-api", api)
    assert len(done.items) == 25
    assert done.items[3] == SourceItem(
        url="https://cdn2.example/3.png", id="i3", width=640, height=480, labels=("Pug",)
    )


def test_the_cat_api_answers_without_a_key_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the header is not sent at all."""
    monkeypatch.delenv("THE_CAT_API_KEY")
    request = resolve("the-cat-api").open().request()
    assert request is not None
    assert not request.headers


def test_random_fox() -> None:
    """One object an answer, whose page about the picture is `link`."""
    numbers = iter([1, 2, 1, *[2] * 60])

    def api(asked: Asked) -> Any:
        assert asked.path == "/floof/"
        n = next(numbers)
        return {"image": f"https://randomfox.ca/images/{n}.jpg", "link": f"https://randomfox.ca/?i={n}"}

    done = list_all(resolve("random-fox").open(), api)
    assert done.items[0] == SourceItem(
        url="https://randomfox.ca/images/1.jpg", id="1.jpg", landing="https://randomfox.ca/?i=1"
    )


def commons_page(number: int, mime: str = "image/jpeg") -> dict[str, Any]:
    """A page of MediaWiki's answer, as generator=categorymembers with prop=imageinfo gives it."""
    return {
        "pageid": number,
        "ns": 6,
        "title": f"File:Dog {number}.jpg",
        "imageinfo": [
            {
                "size": 70_000 + number,
                "width": 800,
                "height": 600,
                "url": f"https://upload.wikimedia.org/wikipedia/commons/a/a1/Dog_{number}.jpg",
                "descriptionurl": f"https://commons.wikimedia.org/wiki/File:Dog_{number}.jpg",
                "sha1": f"{number:040x}",
                "mime": mime,
                "extmetadata": {
                    "LicenseShortName": {"value": "CC BY-SA 4.0", "source": "commons-desc-page"},
                    "Artist": {
                        "value": '<a href="//commons.wikimedia.org/wiki/User:Jos%C3%A9" title="x">José &amp; Co</a>'
                    },
                    "Credit": {"value": '<span class="int-own-work" lang="en">Own work</span>'},
                },
            }
        ],
    }


def test_wikimedia_commons() -> None:
    """Hashes, licence and author; films are left out; the category is the user's; who asks is said."""

    def api(asked: Asked) -> Any:
        assert (asked.query["gcmtitle"], asked.query["iiprop"]) == ("Category:Pugs", "url|sha1|mime|size|extmetadata")
        if "gcmcontinue" not in asked.query:
            pages = [commons_page(1), commons_page(2, "video/webm")]
            return {"continue": {"gcmcontinue": "file|1", "continue": "gcmcontinue||"}, "query": {"pages": pages}}
        return {"batchcomplete": True, "query": {"pages": [commons_page(3)]}}

    done = listed("wikimedia-commons?gcmtitle=Category:Pugs", api)
    assert [item.id for item in done.items] == ["1", "3"]
    assert done.items[0] == SourceItem(
        url="https://upload.wikimedia.org/wikipedia/commons/a/a1/Dog_1.jpg",
        id="1",
        title="File:Dog 1.jpg",
        width=800,
        height=600,
        bytes=70_001,
        sha1=f"{1:040x}",
        mime="image/jpeg",
        license="CC BY-SA 4.0",
        creator="José & Co",
        attribution="Own work",
        landing="https://commons.wikimedia.org/wiki/File:Dog_1.jpg",
    )
    assert "video/webm" in done.notes[0]
    assert resolve("wikimedia-commons").contact_required


def openverse_result(number: int) -> dict[str, Any]:
    """A result as /v1/images/ gives it, cut to what matters and something else."""
    return {
        "id": f"uuid-{number}",
        "title": f"Dog {number}",
        "url": f"https://live.example/{number}.jpg",
        "foreign_landing_url": f"https://photos.example/{number}",
        "creator": "Ann",
        "license": "by-sa",
        "attribution": f'"Dog {number}" by Ann is licensed under CC BY-SA 2.0.',
        "width": 1024,
        "height": None,
        "filesize": None,
        "tags": [{"name": "dog", "accuracy": None}, {"name": "beach"}],
        "mature": False,
    }


def test_openverse_asks_for_a_token_first_and_stops_at_its_cap() -> None:
    """Client credentials in the header of a POST; then the token; pages from 1; 400 items and no more."""

    def api(asked: Asked) -> Any:
        if asked.content is not None:
            assert asked.path == "/v1/auth_tokens/token/"
            assert asked.content == {"grant_type": "client_credentials"}
            return {"access_token": "verse-token-1", "expires_in": 36_000, "token_type": "Bearer"}
        assert asked.headers["authorization"] == "Bearer verse-token-1"
        start = (int(asked.query["page"]) - 1) * int(asked.query["page_size"])
        results = [openverse_result(number) for number in range(start, start + 20)]
        return {"result_count": 10_000, "page_count": 500, "page_size": 20, "page": 1, "results": results}

    done = list_all(resolve("openverse?q=beagle").open(), api)
    assert len(done.items) == 400
    assert "terms" in done.notes[-1]
    assert done.items[0] == SourceItem(
        url="https://live.example/0.jpg",
        id="uuid-0",
        title="Dog 0",
        width=1024,
        license="by-sa",
        creator="Ann",
        attribution='"Dog 0" by Ann is licensed under CC BY-SA 2.0.',
        landing="https://photos.example/0",
        labels=("dog", "beach"),
    )
    assert "verse" not in "".join(done.positions)


@pytest.mark.slow
def test_nasa_apod_leaves_films_out_and_its_key_to_itself() -> None:
    """Windows over days; the large picture where there is one; no key in what is kept."""

    def api(asked: Asked) -> Any:
        assert asked.query["api_key"] == "nasa-key-1"
        day = asked.query["start_date"]
        image = {"date": day, "media_type": "image", "title": "M 31", "url": f"https://apod.nasa.gov/{day}.jpg"}
        if day.endswith("-06-16"):
            image |= {"hdurl": f"https://apod.nasa.gov/{day}_hd.jpg", "copyright": "\nAnn\nB."}
        film = {"date": day, "media_type": "video", "title": "A film", "url": "https://www.youtube.com/embed/x"}
        return [film, image]

    done = listed("nasa-apod", api)
    assert len(done.items) > 30
    assert done.items[0] == SourceItem(
        url="https://apod.nasa.gov/1995-06-16_hd.jpg", id="1995-06-16", title="M 31", creator="Ann B."
    )
    assert done.items[1].url.count("_hd") == 0


def test_nasa_apod_has_a_key_for_everyone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no key asks with the one that NASA documents."""
    monkeypatch.delenv("NASA_API_KEY")
    request = resolve("nasa-apod").open().request()
    assert request is not None
    assert "api_key=DEMO_KEY" in request.url


def test_art_institute_of_chicago_makes_urls_of_a_template() -> None:
    """The base of the URL is in the page, the id in the item; a page without any image is not the end."""

    def api(asked: Asked) -> Any:
        assert asked.headers["aic-user-agent"] == "pupline (ops@example.org)"
        page = int(asked.query.get("page", 1))
        work = {"id": page, "title": "A <em>dog</em>", "artist_display": "Ann\nFrench", "is_public_domain": page == 1}
        data = [{**work, "image_id": None}] if page == 2 else [{**work, "image_id": f"2d484387-{page}"}]
        following = f"https://api.artic.edu/api/v1/artworks?limit=100&page={page + 1}" if page < 3 else None
        return {
            "pagination": {"total": 3, "next_url": following},
            "data": data,
            "config": {"iiif_url": "https://www.artic.edu/iiif/2", "website_url": "https://www.artic.edu"},
        }

    done = listed("art-institute-of-chicago", api)
    assert done.items == [
        SourceItem(
            url="https://www.artic.edu/iiif/2/2d484387-1/full/843,/0/default.jpg",
            id="1",
            title="A dog",
            creator="Ann French",
            license="CC0",
        ),
        SourceItem(
            url="https://www.artic.edu/iiif/2/2d484387-3/full/843,/0/default.jpg",
            id="3",
            title="A dog",
            creator="Ann French",
        ),
    ]


def test_the_met_leaves_out_works_without_a_picture() -> None:
    """An id, then the work; `primaryImage` may be empty, and tags may be null."""

    def api(asked: Asked) -> Any:
        if asked.path.endswith("/search"):
            assert asked.query == {"hasImages": "true", "q": "terrier"}
            return {"total": 3, "objectIDs": [11, 12, 13]}
        assert asked.query == {}
        number = int(asked.path.rpartition("/")[2])
        return {
            "objectID": number,
            "isPublicDomain": True,
            "primaryImage": "" if number == 12 else f"https://images.metmuseum.org/{number}.jpg",
            "title": "Dog",
            "artistDisplayName": "",
            "objectURL": f"https://www.metmuseum.org/art/{number}",
            "tags": None if number == 11 else [{"term": "Dogs", "AAT_URL": "x"}],
        }

    done = listed("the-met?q=terrier", api)
    assert done.items == [
        SourceItem(
            url=f"https://images.metmuseum.org/{number}.jpg",
            id=str(number),
            title="Dog",
            license="CC0",
            landing=f"https://www.metmuseum.org/art/{number}",
            labels=labels,
        )
        for number, labels in [(11, ()), (13, ("Dogs",))]
    ]


def test_pexels_credits_the_photographer() -> None:
    """Its own link to the next page; `url` is the page about the photograph, not the photograph."""

    def api(asked: Asked) -> Any:
        assert asked.headers["authorization"] == "pexels-key-1"
        page = int(asked.query.get("page", 1))
        photo = {
            "id": page,
            "width": 6000,
            "height": 4000,
            "url": f"https://www.pexels.com/photo/{page}/",
            "photographer": "Ann",
            "src": {"original": f"https://images.pexels.com/{page}.jpeg", "tiny": "x"},
            "alt": "A dog",
        }
        following = f"https://api.pexels.com/v1/search?page={page + 1}&per_page=80&query=dog" if page < 3 else None
        return {"photos": [photo], **({"next_page": following} if following else {})}

    done = listed("pexels", api)
    assert len(done.items) == 3
    assert done.items[0] == SourceItem(
        url="https://images.pexels.com/1.jpeg",
        id="1",
        width=6000,
        height=4000,
        creator="Ann",
        attribution="Photo by Ann on Pexels",
        landing="https://www.pexels.com/photo/1/",
        alt="A dog",
    )


def test_pexels_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the variable to set."""
    monkeypatch.delenv("PEXELS_API_KEY")
    with pytest.raises(ConfigurationError, match="export PEXELS_API_KEY="):
        resolve("pexels").open()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sample", "sample-hostile"])
def test_the_samples_list_what_their_server_serves(name: str) -> None:
    """Over HTTP, as everybody lists them."""
    source = resolve(name)
    with SampleServer(hostile=name == "sample-hostile") as server:
        client = HttpClient(source.policy(sample_port=server.port))

        def api(asked: Asked) -> Any:
            url = f"http://sample.pupline.invalid{asked.path}"
            return json.loads(client.get(url, accept="application/json").body)

        done = list_from_everywhere(source, api)
    assert len(done.items) >= 10
    assert all(item.labels for item in done.items)


def test_presets_travel_with_the_package() -> None:
    """They are files next to the code, where the wheel has all that the package directory has."""
    folder = Path(pupline.specs.__file__).parent / "presets"
    assert {path.stem for path in folder.glob("*.toml")} == {name for name in presets() if "sample" not in name}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("openverse?query=dog", "did you mean|it has q, page_size"),
        ("dog-ceo?q=dog", "it has none"),
        ("openverse?q", "name=value"),
        ("unsplash", "no such source"),
    ],
)
def test_params_that_a_preset_does_not_have_are_refused(value: str, words: str) -> None:
    """With those that it has."""
    with pytest.raises(ConfigurationError, match=words):
        resolve(value)


def test_other_params_are_another_dataset() -> None:
    """Another query names other images."""
    assert resolve("openverse?q=Beagle%20dog").dataset == "openverse-beagle-dog"


def observation(number: int, *photos: dict[str, Any]) -> dict[str, Any]:
    """An observation as /v1/observations gives it, cut to what matters and something else."""
    return {
        "id": number,
        "quality_grade": "research",
        "uri": f"https://www.inaturalist.org/observations/{number}",
        "observed_on": "2026-01-31",
        "taxon": {"name": "Vulpes vulpes", "preferred_common_name": "Red Fox", "iconic_taxon_name": "Mammalia"},
        "user": {"id": 7, "login": "ann", "name": None},
        "photos": list(photos),
    }


def observed_photo(number: int, licence: str | None = "cc-by", ending: str = "jpeg") -> dict[str, Any]:
    """A photo of an observation."""
    return {
        "id": number,
        "license_code": licence,
        "original_dimensions": {"width": 1536, "height": 2048},
        "url": f"https://inaturalist-open-data.s3.amazonaws.com/photos/{number}/square.{ending}",
        "attribution": "(c) Ann, some rights reserved (CC BY)",
        "flags": [],
        "hidden": False,
    }


def test_inaturalist() -> None:
    """The photos of observations, by the cursor id_above; each with its licence and its observer; large, not square."""
    pages = {
        "": [observation(4, observed_photo(40), observed_photo(41, None)), observation(7)],
        "7": [observation(9, observed_photo(90, "cc0", "png"))],
        "9": [],
    }

    def api(asked: Asked) -> Any:
        assert (asked.query["taxon_name"], asked.query["order_by"], asked.query["order"]) == (
            "Canis lupus",
            "id",
            "asc",
        )
        results = pages[asked.query.get("id_above", "")]
        return {"total_results": len(results), "page": 1, "per_page": 200, "results": results}

    done = listed("inaturalist?taxon_name=Canis%20lupus", api)
    assert done.shortfall is None
    assert done.items[0] == SourceItem(
        url="https://inaturalist-open-data.s3.amazonaws.com/photos/40/large.jpeg",
        id="40",
        license="cc-by",
        attribution="(c) Ann, some rights reserved (CC BY)",
        creator="ann",
        landing="https://www.inaturalist.org/observations/4",
        title="Red Fox",
        labels=("Mammalia", "Vulpes vulpes"),
        extra={"observed_on": "2026-01-31"},
    )
    assert done.urls[1:] == ["https://inaturalist-open-data.s3.amazonaws.com/photos/90/large.png"]


def occurrence(number: int, *media: dict[str, Any]) -> dict[str, Any]:
    """An occurrence as /v1/occurrence/search gives it."""
    return {
        "key": number,
        "license": "http://creativecommons.org/publicdomain/zero/1.0/legalcode",
        "kingdom": "Animalia",
        "species": "Vulpes vulpes",
        "scientificName": "Vulpes vulpes (Linnaeus, 1758)",
        "recordedBy": "Bob",
        "media": list(media),
    }


def test_gbif() -> None:
    """The pictures of occurrences, no sounds and no pages; the API says which page is the last."""
    picture = {"type": "StillImage", "format": "image/jpeg", "identifier": "https://a.museum/1.jpg", "creator": "Ann"}
    sound = {"type": "Sound", "format": "audio/mpeg", "identifier": "https://a.museum/1.mp3"}
    page = {"type": "StillImage", "format": "text/html", "identifier": "https://a.museum/1.html"}
    last = {
        "type": "StillImage",
        "identifier": "https://b.museum/2",
        "license": "CC BY",
        "references": "https://b.museum",
    }

    def api(asked: Asked) -> Any:
        assert (asked.query["mediaType"], asked.query["license"], asked.query["limit"]) == (
            "StillImage",
            "CC0_1_0",
            "300",
        )
        first = asked.query["offset"] == "0"
        results = [occurrence(1, picture, sound, page), occurrence(2)] if first else [occurrence(3, last)]
        return {"offset": 0, "limit": 300, "endOfRecords": not first, "count": 3, "results": results}

    done = listed("gbif", api)
    assert (len(done.requests), done.shortfall) == (2, None)
    assert done.items == [
        SourceItem(
            url="https://a.museum/1.jpg",
            mime="image/jpeg",
            license="http://creativecommons.org/publicdomain/zero/1.0/legalcode",
            creator="Ann",
            landing="https://www.gbif.org/occurrence/1",
            labels=("Animalia", "Vulpes vulpes"),
            alt="Vulpes vulpes (Linnaeus, 1758)",
        ),
        SourceItem(
            url="https://b.museum/2",
            license="CC BY",
            creator="Bob",
            landing="https://b.museum",
            labels=("Animalia", "Vulpes vulpes"),
            alt="Vulpes vulpes (Linnaeus, 1758)",
        ),
    ]


def cleveland_work(number: int) -> dict[str, Any]:
    """A work as /api/artworks/ gives it."""
    web = {
        "url": f"https://openaccess-cdn.clevelandart.org/{number}/{number}_web.jpg",
        "width": "893",
        "height": "1263",
    }
    return {
        "id": number,
        "accession_number": f"1922.{number}",
        "share_license_status": "CC0",
        "tombstone": f"Terrier {number}, c. 1900. Ann Artist",
        "title": f"Terrier {number}",
        "creators": [{"description": "Ann Artist (American, 1870-1940)", "role": "artist"}],
        "type": "Print",
        "url": f"https://clevelandart.org/art/1922.{number}",
        "images": {"web": {**web, "filesize": "400000", "filename": f"{number}_web.jpg"}, "print": {}, "full": {}},
    }


def test_cleveland_museum_of_art() -> None:
    """Works in the public domain by skip and limit; numbers come as texts."""

    def api(asked: Asked) -> Any:
        assert (asked.query["q"], asked.query["cc0"], asked.query["has_image"]) == ("terrier", "1", "1")
        skip = int(asked.query["skip"])
        works = [cleveland_work(number) for number in range(skip, min(skip + 2, 3))]
        return {"info": {"total": 3, "parameters": {"skip": str(skip)}}, "data": works}

    done = listed("cleveland-museum-of-art?q=terrier", api)
    assert (len(done.items), len(done.requests), done.shortfall) == (3, 2, None)
    assert done.items[0] == SourceItem(
        url="https://openaccess-cdn.clevelandart.org/0/0_web.jpg",
        id="1922.0",
        width=893,
        height=1263,
        bytes=400_000,
        title="Terrier 0",
        creator="Ann Artist (American, 1870-1940)",
        license="CC0",
        attribution="Terrier 0, c. 1900. Ann Artist",
        landing="https://clevelandart.org/art/1922.0",
        labels=("Print",),
    )

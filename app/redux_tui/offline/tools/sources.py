"""Where the vendored raw data comes from: package, version, file, licence and checksum."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One vendored CSV. `sha256` is of the uncompressed CSV, which no zlib version can change."""

    competition: str
    file: str
    package: str
    version: str
    member: str
    license_member: str
    license: str
    sha256: str
    is_sdist: bool = False


SOURCES: tuple[Source, ...] = (
    Source(
        competition="caravan-insurance",
        file="caravan.csv.gz",
        package="ISLP",
        version="0.6.0",
        member="ISLP/data/Caravan.csv",
        # ISLP ships no licence file: its text stands in the License field of METADATA.
        license_member="islp-0.6.0.dist-info/METADATA",
        license="BSD-3-Clause",
        sha256="e89d49b6fb8fe02d76bb5bb80d8e0dab473bf9f6a72515e30c259f6d7da42269",
    ),
    Source(
        competition="titanic-survival",
        file="titanic.csv.gz",
        package="bokeh_sampledata",
        version="2026.1",
        member="bokeh_sampledata/_data/titanic_all.csv",
        license_member="bokeh_sampledata-2026.1.dist-info/licenses/LICENSE.txt",
        license="public domain (package: BSD-3-Clause)",
        sha256="05b0f524a4c9737bb963e828364628d8f9e8da1945033bc635e4287890327048",
    ),
    Source(
        competition="bike-demand",
        file="bikeshare.csv.gz",
        package="ISLP",
        version="0.6.0",
        member="ISLP/data/Bikeshare.csv",
        license_member="islp-0.6.0.dist-info/METADATA",
        license="BSD-3-Clause",
        sha256="ac6950ae6f11efcc69c29d6bb13e8881c001e27d36434660d59444a1414f712c",
    ),
    Source(
        competition="diamond-prices",
        file="diamonds.csv.gz",
        package="plotnine",
        version="0.15.9",
        member="plotnine/data/diamonds.csv",
        license_member="plotnine-0.15.9.dist-info/licenses/LICENSE",
        license="MIT",
        sha256="9574730b03aba241d899c4a97511c5061b19358fab89510774fb6c24168345c4",
    ),
    Source(
        competition="optical-digits",
        file="digits.csv.gz",
        package="scikit-learn",
        version="1.9.1",
        member="sklearn/datasets/data/digits.csv.gz",
        license_member="scikit_learn-1.9.1.dist-info/licenses/COPYING",
        license="BSD-3-Clause",
        sha256="592cc047d0a1cc7fdef9fd724514209dcb45a80aa147dc3ab375e3e1a9a380f4",
    ),
    Source(
        competition="seattle-weather",
        file="weather.csv.gz",
        package="vega_datasets",
        version="0.9.0",
        member="vega_datasets/_data/seattle-weather.csv",
        license_member="vega_datasets-0.9.0.dist-info/LICENSE",
        license="MIT",
        sha256="62f0609f787158128aa2bd102967173a4953122dd4f872bf1d502cae1037df0b",
    ),
    Source(
        competition="review-sentiment",
        file="reviews.csv.gz",
        package="vaderSentiment",
        version="3.3.2",
        member="vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz",
        license_member="vaderSentiment-3.3.2/LICENSE.txt",
        license="MIT",
        sha256="e41f0e93c10b9c27abdfb7b6c0025adaeeba6099467f6ab5665217287bb730a0",
        is_sdist=True,
    ),
)

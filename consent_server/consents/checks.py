"""Does a decision fit what was published and shown? And the problems that say where it does not."""

from http import HTTPStatus

from consent_server.banner.builds import is_known_build
from consent_server.consents.payload import Decision
from consent_server.policies.published import PublishedVersion, SiteView
from consent_server.problems import Forbidden, Problem


class UnknownVersion(Problem):
    slug, status = "unknown-version", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The site's policy has no published version with this number"


class UnknownLanguage(Problem):
    slug, status = "unknown-language", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The policy version has no text in this language"


class UnknownPurpose(Problem):
    slug, status = "unknown-purpose", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The choices are not those that the policy version asks for"


class UnknownBuild(Problem):
    slug, status = "unknown-banner-build", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This site never served a banner with this hash"


class ForeignOrigin(Forbidden):
    slug = "foreign-origin"
    title = "Pages of this origin may not decide for this site"


def version_of(site: SiteView, decision: Decision) -> PublishedVersion:
    """Return the published version that a decision is about, when all of it fits that version.

    A superseded version is fine: it is good evidence of what was seen, and the next page asks again if it must.

    Raises:
        UnknownVersion, UnknownLanguage, UnknownPurpose, UnknownBuild: as their names say.
    """
    version = site.version(decision.policy_version)
    if version is None:
        raise UnknownVersion(
            "Load the banner again; it names the current version.", version=decision.policy_version
        )
    if decision.language not in version.notices:
        raise UnknownLanguage("Show the notice in one of these.", languages=sorted(version.notices))
    asked = set(version.facts.purposes)
    given = decision.choices.keys()
    if given != asked or not asked.issuperset(decision.asked):
        raise UnknownPurpose(
            "State a choice for every additional purpose and for nothing else.",
            unknown=sorted((given | set(decision.asked)) - asked),
            missing=sorted(asked - given),
        )
    if not is_known_build(site.id, decision.banner_build):
        raise UnknownBuild("Load the banner again and send its `banner_build`.")
    return version

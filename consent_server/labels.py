"""Words for the codes that the console shows: each code once, in the page's language."""

from typing import Final

from flask_babel import LazyString, lazy_gettext, ngettext
from flask_babel import lazy_gettext as _

Words = dict[str, LazyString]

REGION: Final[Words] = {
    "opt_in": _("Opt-in: nothing runs before a yes"),
    "opt_out": _("Opt-out: visitors may object"),
}
LANGUAGE: Final[Words] = {  # where the library's names are clumsy
    "zh-CN": _("Simplified Chinese"),
    "zh-TW": _("Traditional Chinese (Taiwan)"),
    "zh-HK": _("Traditional Chinese (Hong Kong)"),
}
FUNCTION: Final[Words] = {"basic": _("Basic"), "additional": _("Additional")}
CONSENT_KIND: Final[Words] = {
    "general": _("General consent"),
    "explicit": _("Explicit consent"),
    "separate": _("Separate consent"),
    "written": _("Written consent"),
    "guardian": _("Guardian's consent"),
}
LEGAL_BASIS: Final[Words] = {
    "consent": _("Consent"),
    "contract": _("Contract"),
    "legal_obligation": _("Legal obligation"),
    "vital_interests": _("Vital interests"),
    "public_task": _("Task in the public interest"),
    "legitimate_interests": _("Legitimate interests"),
    "hr_management": _("Human resources management"),
    "public_emergency": _("Public-health emergency"),
    "disclosed_information": _("Information already disclosed lawfully"),
}
STORE: Final[Words] = {
    "cookie": _("Cookie"),
    "local_storage": _("Browser storage"),
    "session_storage": _("Tab storage"),
}
PARTY: Final[Words] = {"first": _("First party"), "third": _("Third party")}
FORMAT: Final[Words] = {"markdown": _("Markdown"), "plain": _("Plain text")}
SAVED_TEXT: Final[Words] = {
    "opened": _("As the draft began"),
    "saved": _("Saved"),
    "autosaved": _("Saved while writing"),
    "brought_back": _("Brought back"),
}
CHOICE: Final[Words] = {"granted": _("Granted"), "denied": _("Denied")}
ACTION: Final[Words] = {
    "accept_all": _("Accepted all"),
    "reject_all": _("Rejected all"),
    "custom": _("Chose one by one"),
    "withdraw": _("Withdrew"),
    "expire": _("Expired"),
    "gpc": _("Global Privacy Control"),
    "dnt": _("Do Not Track"),
}
LAYER: Final[Words] = {
    "banner": _("Banner"),
    "preferences": _("Preferences"),
    "delta": _("Card on what changed"),
    "frame": _("Blocked content"),
    "api": _("Page's own button"),
}
CHANGE_CLASS: Final[Words] = {
    "patch": _("Patch"),
    "minor": _("Minor"),
    "major_notice": _("Major: notice"),
    "major_consent": _("Major: ask again"),
}
CLASS_EFFECT: Final[Words] = {
    "patch": _("Visitors see nothing; the history shows it."),
    "minor": _("Marked as updated; consent stands."),
    "major_notice": _("Visitors who are touched see a notice; consent stands."),
    "major_consent": _("Visitors who agreed to what is touched are asked again."),
}
CHANGE_TYPE: Final[Words] = {
    "purpose_added": _("Purpose added"),
    "purpose_changed": _("Purpose or manner of use changed"),
    "data_type": _("Further type of data"),
    "recipients": _("Further recipient"),
    "legal_basis": _("Another legal basis"),
    "cross_border": _("Transfer abroad"),
    "sensitive_data": _("Sensitive data"),
    "service_added": _("Service added"),
    "cookie_added": _("Cookie added"),
    "ownership": _("Ownership or organisation"),
    "rights": _("Rights and how to exercise them"),
    "contact": _("Contact or complaint channel"),
    "impact_assessment": _("Impact assessment shows a high risk"),
    "retention": _("Storage period"),
    "purpose_removed": _("Purpose removed"),
    "purpose_renamed": _("Purpose renamed"),
    "service_removed": _("Service removed"),
    "cookie_removed": _("Cookie removed"),
    "wording": _("Wording"),
    "translation": _("Translation"),
    "typo": _("Typing error"),
    "link": _("Link"),
    "unclassified": _("Not classified"),
}
SECTION: Final[Words] = {
    "added": _("Added"),
    "removed": _("Removed"),
    "changed": _("Changed"),
    "moved": _("Moved"),
    "renumbered": _("Renumbered"),
}
JOB: Final[Words] = {
    "queued": _("Waiting"),
    "running": _("Running"),
    "done": _("Done"),
    "failed": _("Failed"),
}
HOLDER: Final[Words] = {"visitor": _("Visitors"), "subject": _("Known users")}
CHECK: Final[Words] = {
    "form": _("Form"),
    "signature": _("Signature"),
    "log": _("Place in the log"),
    "told": _("Told before"),
    "version": _("Policy version"),
    "text": _("Text that was shown"),
}
CHECK_PASSED: Final[Words] = {
    "form": _("It has the form of a consent receipt."),
    "signature": _("Signed by a key of this server."),
    "log": _("The log has exactly this receipt at its index."),
    "told": _("The log told of that policy version and that banner before it."),
    "version": _("It names the policy version as it was published."),
    "text": _("It names the text as it was published in that language."),
}
CHECK_FAILED: Final[Words] = {
    "form": _("This is not a receipt."),
    "signature": _("No key of this server signed these bytes."),
    "log": _("The log does not have this receipt at its index."),
    "told": _("The log had not told of that policy version and that banner before it."),
    "version": _("The policy version that it names was not published so."),
    "text": _("The text that it names was not published in that language."),
}
FINDING: Final[Words] = {
    "language-missing": _("A language is missing"),
    "title-missing": _("The title is missing"),
    "preamble-missing": _("The text before the first heading is missing"),
    "definitions-missing": _("The definitions are missing"),
    "section-missing": _("A section is missing"),
    "section-empty": _("A section has nothing under its heading"),
    "section-order": _("A section stands at another place"),
    "section-level": _("A heading is of another level"),
    "paragraph-missing": _("A paragraph is missing"),
    "paragraph-short": _("A part of a paragraph seems to be missing"),
    "list-length": _("A list item is missing"),
    "table-length": _("A table row is missing"),
    "fact-differs": _("A fact differs"),
    "fact-missing": _("A fact stands in one language only"),
    "name-differs": _("A name differs"),
    "slot-empty": _("A contact or link is left empty"),
    "placeholder-unfilled": _("A placeholder is not filled"),
    "address-missing": _("A postal address is missing"),
    "term-undefined": _("A term is used and not defined"),
    "term-unused": _("A term is defined and not used"),
    "term-differs": _("A defined term is not used here"),
    "definition-differs": _("A definition is of another term"),
    "right-differs": _("Another right is meant"),
    "right-misplaced": _("The text speaks of another right than its heading"),
    "duty-differs": _("May, must and must not differ"),
    "changed-alone": _("Changed in one language only"),
}
# What a waiver can be for: a finding, or a whole language, as it was once given.
WAIVER: Final[Words] = FINDING | {
    "missing-language": _("Language missing"),
    "out-of-step": _("Out of step"),
}
FINDING_MATTERS: Final[Words] = {
    "language-missing": _("Who reads only that language is told nothing."),
    "title-missing": _("A reader does not see what the document is."),
    "preamble-missing": _("Scope and key points are told to one group of readers only."),
    "definitions-missing": _("The words that the text rests on are explained to one group of readers only."),
    "section-missing": _("One group of readers is not told any of it."),
    "section-empty": _("A heading without words tells one group of readers nothing."),
    "section-order": _("A reference to a section leads readers to different places."),
    "section-level": _("What belongs under a heading differs between the languages."),
    "paragraph-missing": _("One group of readers is told less."),
    "paragraph-short": _("One text is so much shorter that a part of it seems to be missing."),
    "list-length": _("What a list leaves out does not apply to its readers."),
    "table-length": _("What a table leaves out is not disclosed to its readers."),
    "fact-differs": _("Both languages are binding; readers are told different things."),
    "fact-missing": _("A fact that only one language states binds, or informs, only its readers."),
    "name-differs": _("A name is written alike in both languages; readers may take it for another party."),
    "slot-empty": _("A reader is told to write or to look somewhere, and not where."),
    "placeholder-unfilled": _("Readers would see a placeholder in place of the words of the site's profile."),
    "address-missing": _("A postal address is told to one group of readers only."),
    "term-undefined": _("A word that the text relies on has no agreed meaning in this language."),
    "term-unused": _("A word that is defined and never used was renamed in its definition, or in the text."),
    "term-differs": _("A defined word carries its definition with it; another word does not."),
    "definition-differs": _("The same definition is given to different words."),
    "right-differs": _("Readers are promised different rights."),
    "right-misplaced": _("The text under one right speaks of another: a clause was copied."),
    "duty-differs": _("What one group may, the other must, or must not."),
    "changed-alone": _("The readers of the other language still read what no longer holds."),
}
WARNING: Final[Words] = {
    "bidi_control": _("An invisible character changes the direction of the text"),
    "broken_anchor": _("A link leads to a section that does not exist"),
    "control_character": _("A control character"),
    "duplicate_number": _("This section number occurs twice"),
    "empty_section": _("A heading with nothing under it"),
    "empty_slot": _("A blank that nobody has filled in"),
    "event_handler_removed": _("An event handler was removed"),
    "image_removed": _("An image was removed"),
    "invisible_character": _("An invisible character"),
    "link_repaired": _("A link was repaired"),
    "no_headings": _("No headings or numbered sections were found"),
    "no_title": _("The text has no title"),
    "number_gap": _("The numbering skips a number"),
    "number_out_of_order": _("The numbering goes back"),
    "raw_html_removed": _("Raw HTML was removed"),
    "script_removed": _("A script was removed"),
    "stray_markup": _("Markup was not understood and shows in the text"),
    "unbalanced_quotes": _("An opening or closing quotation mark is missing"),
    "unsafe_link_removed": _("An unsafe link was removed"),
}
SOURCE_ERROR: Final[Words] = {
    "empty": _("The text is empty."),
    "too-large": _("The text is too large."),
    "nul": _("The text holds a NUL character; it is not a text file."),
    "surrogate": _("The text holds half a character; save it as UTF-8."),
    "encoding": _("The file's encoding is not known; save it as UTF-8."),
    "format": _("Only Markdown (.md) and plain text (.txt) can be read."),
}


def N_(message: str) -> str:
    """Mark a message for translation and return it as it is."""
    return message


_OBSTACLE: Final = {
    "missing-language": N_("There is no text in %(language)s. Write it, or waive it with a reason."),
    "out-of-step": N_(
        "%(language)s is out of step with the default language. Mend each finding, or waive it with a reason."
    ),
    "untyped-change": N_("The text has changed. Say below what kind of change it is."),
    "downgrade-reason": N_("“%(type)s”: say why it counts as less than its type proposes."),
    "downgrade-approval": N_("“%(type)s”: a second person must approve that it is not major."),
    "proposal-open": N_("The words speak for “%(type)s”. Confirm it below, or say why it counts as less."),
    "summary-too-long": N_("What visitors are told in %(language)s: at most three sentences."),
    "rename-unclear": N_("A rename must lead from one old key to one new key: %(subject)s."),
    "unknown-purpose": N_("A change names a purpose that there is not: %(subject)s."),
    "purpose-untranslated": N_("Purpose “%(subject)s” has no name or description in %(language)s."),
    "not-approved": N_("A second person, who wrote no part of it, must approve the draft as it is now."),
    "nothing-changed": N_("Texts and purposes are those of the newest version; there is nothing to publish."),
}


def obstacle(code: str, *, language: str, subject: str) -> LazyString:
    """Return what stands in the way of publishing, and what to do."""
    kind = CHANGE_TYPE.get(subject, subject)
    return lazy_gettext(_OBSTACLE[code], language=language, subject=subject, type=kind)


# What schemas say about a field, in the words of the library and of our own; shown by `screens.said`.
SCHEMA_MESSAGES: Final = (
    N_("See `errors` for each field."),
    N_("Missing data for required field."),
    N_("Not a valid string."),
    N_("Shorter than minimum length 1."),
    N_("Length must be between 1 and 60."),
    N_("Length must be between 1 and 120."),
    N_("Length must be between 1 and 200."),
    N_("Longer than maximum length 2000."),
    N_("Use 1 to 40 of a-z, 0-9, - and _, a letter first."),
    N_("Write `session` or an ISO 8601 duration such as P13M."),
    N_("Start with https://"),
    N_("Two purposes have the same key."),
    N_("An additional purpose rests on consent or legitimate_interests."),
    N_("A basic purpose is never asked, so it cannot rest on consent."),
    N_("Begin with the line subject,email."),
    N_("At most 50,000 users in one list."),
)
UNITS: Final = {  # of ISO 8601 durations; "T" marks those of the clock
    "Y": lambda n: ngettext("%(num)s year", "%(num)s years", n),
    "M": lambda n: ngettext("%(num)s month", "%(num)s months", n),
    "W": lambda n: ngettext("%(num)s week", "%(num)s weeks", n),
    "D": lambda n: ngettext("%(num)s day", "%(num)s days", n),
    "TH": lambda n: ngettext("%(num)s hour", "%(num)s hours", n),
    "TM": lambda n: ngettext("%(num)s minute", "%(num)s minutes", n),
    "TS": lambda n: ngettext("%(num)s second", "%(num)s seconds", n),
}
SCOPE: Final[Words] = {
    "decisions:write": _("Store decisions"),
    "consents:read": _("Read consents"),
    "receipts:read": _("Read receipts"),
    "reconsent:read": _("Read who must be asked again"),
    "addresses:write": _("Give and erase addresses of known users"),
}
KEY_STATE: Final[Words] = {"in_use": _("In use"), "revoked": _("Revoked"), "expired": _("Expired")}
KEY_LIFE: Final[Words] = {  # in days
    "30": _("30 days"),
    "90": _("90 days"),
    "365": _("One year"),
    "0": _("Until it is revoked"),
}
SIGN_IN: Final[Words] = {
    "password": _("Password"),
    "link": _("One-time link"),
    "passkey": _("Passkey"),
    "oidc": _("The organisation's sign-in"),
}
ROLE: Final[Words] = {
    "owner": _("Owner"),
    "author": _("Author"),
    "approver": _("Approver"),
    "developer": _("Developer"),
    "support": _("Support"),
    "auditor": _("Auditor"),
}
ROLE_DOES: Final[Words] = {
    "owner": _("Does everything, and decides who has which role."),
    "author": _("Writes texts, purposes and the classification of changes; does not publish."),
    "approver": _("Approves what others have written, and publishes it."),
    "developer": _("Describes services and cookies, and looks after keys and secrets."),
    "support": _("Answers visitors: finds their receipts and what they were shown."),
    "auditor": _("Reads everything, changes nothing."),
}
FOUR_EYES: Final[Words] = {
    "auto": _("Where two or more people may approve"),
    "always": _("Always"),
    "never": _("Never"),
}
STAGE: Final[Words] = {
    "draft": _("Draft"),
    "in_review": _("In review"),
    "approved": _("Approved"),
    "scheduled": _("Scheduled"),
    "published": _("Published"),
    "superseded": _("Superseded"),
}

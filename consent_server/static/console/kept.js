// Text that the server has not taken yet, kept in this browser under the page's address.
const PREFIX = 'consent-draft:'
const LONGEST = 30 * 86_400_000 // ms that a forgotten text is kept

/** Keeps a draft's texts; a browser that refuses (private, full) is no reason to stop writing. */
export const keep = (place, kept) => {
  try {
    localStorage.setItem(PREFIX + place, JSON.stringify(kept))
  } catch { /* the form itself still has the text */ }
}

/** Returns what is kept, or null. */
export const keptText = (place) => {
  try {
    const found = JSON.parse(localStorage.getItem(PREFIX + place))
    return found && Date.now() - found.at < LONGEST ? found : null
  } catch {
    return null
  }
}

export const drop = (place) => {
  try {
    localStorage.removeItem(PREFIX + place)
  } catch { /* nothing was kept either */ }
}

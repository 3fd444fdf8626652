// The editor of drafts. Without this file the page is a form that works; with it what is written is saved while one writes,
// kept in the browser while it cannot be, and what the server found stands beside each section. No markup is made from text:
// what is put on the page are nodes of pages that the server sent.
import { drop, keep, keptText } from './kept.js'
import { markdownOf } from './paste.js'
import { listen } from './shortcuts.js'

const REST = 1200 // ms without a key before what is written is saved
const AGAIN = 5000 // ms until a server that did not answer is asked again

const form = document.getElementById('draft')
const status = document.getElementById('status')
const place = location.pathname
const words = form.dataset
let state = 'saved'
let timer = 0
let saving = false
let refreshing = false
let pending = null // the button that was pressed while a save was under way

const parts = (root = form) => [...root.querySelectorAll('textarea.part')]
const languages = [...new Set(parts().map((field) => field.lang))]
const order = (field) => Number(field.name.slice(field.name.lastIndexOf('-') + 1))
const hidden = (name) => form.elements[name]
const clock = (at) => new Date(at).toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' })

/** The text in one language, put together from its sections as the server does it. */
const joined = (language) => {
  const gaps = Object.fromEntries(hidden(`gaps-${language}`).value.split(' ').filter(Boolean).map((pair) => pair.split(':')))
  return parts()
    .filter((field) => field.lang === language)
    .sort((one, other) => order(one) - order(other))
    .map((field) => [field.value.replace(/^\n+|\n+$/g, ''), Number(gaps[order(field)] ?? 2)])
    .filter(([text]) => text.trim())
    .map(([text, gap]) => text + '\n'.repeat(gap))
    .join('')
}
const texts = () => Object.fromEntries(languages.map((language) => [language, joined(language)]))
const same = (one, other) => languages.every((language) => (one[language] ?? '').trim() === (other[language] ?? '').trim())

const show = (next, at = Date.now()) => {
  state = next
  status.dataset.state = next
  const said = { saved: words.saved.replace('{time}', clock(at)), writing: words.writing, saving: words.saving }
  status.textContent = said[next] ?? words[next]
  if (next === 'expired') {
    const link = Object.assign(document.createElement('a'), { href: words.signIn, textContent: words.signInWords })
    status.append(' ', link)
  }
}

const keepHere = () => keep(place, {
  at: Date.now(),
  texts: texts(),
  revision: form.elements.revision.value,
  formats: Object.fromEntries(languages.map((language) => [language, form.elements[`format-${language}`].value])),
  base: Object.fromEntries(languages.map((language) => [language, hidden(`base-${language}`).value])),
})

const later = (delay = REST) => {
  clearTimeout(timer)
  timer = setTimeout(save, delay)
}

/** What an answer means: the new revision, or the state in which the text stays with the person. */
const judged = async (response) => {
  if (response.type === 'opaqueredirect' || [400, 401, 403].includes(response.status)) return 'expired'
  if (response.status === 409) return 'conflict'
  if (response.status >= 500 || response.status === 429) return 'offline'
  if (!response.ok) return 'refused'
  return (await response.json()).revision
}

export const save = async () => {
  if (saving || state === 'conflict') return
  saving = true
  const sent = texts()
  show('saving')
  try {
    const body = new URLSearchParams(new FormData(form))
    const response = await fetch(words.autosave, { method: 'POST', body, redirect: 'manual', headers: { Accept: 'application/json' } })
    const answer = await judged(response)
    if (typeof answer !== 'number') {
      show(answer)
      if (answer === 'offline') later(AGAIN)
      return
    }
    form.elements.revision.value = answer
    if (same(sent, texts())) {
      drop(place)
      show('saved')
      refresh()
    } else {
      show('writing')
      later()
    }
  } catch {
    show('offline')
    later(AGAIN)
  } finally {
    saving = false
    if (pending) form.requestSubmit(pending)
  }
}

/** A page of the server as a document; null where it is another than was asked for. */
const fetched = (address) => new Promise((resolve) => {
  const request = new XMLHttpRequest()
  request.open('GET', address)
  request.responseType = 'document' // the browser reads the page; its scripts never run
  request.onload = () => resolve(request.status === 200 && request.responseURL.includes(address) ? request.response : null)
  request.onerror = () => resolve(null)
  request.send()
})

/** Puts in place what the server now makes of the text; nobody is interrupted who has gone on writing. */
const refresh = async () => {
  if (refreshing) return
  refreshing = true
  const before = texts()
  const fresh = await fetched(place)
  refreshing = false
  if (!fresh || state !== 'saved' || !same(before, texts())) return
  // Somebody else has saved since: what the page has then is not what stands in these fields.
  if (fresh.querySelector('#draft [name=revision]').value !== form.elements.revision.value) return
  for (const language of languages) {
    for (const name of [`gaps-${language}`, `base-${language}`]) {
      hidden(name).value = fresh.querySelector(`[name="${name}"]`).value
    }
  }
  const names = (root) => parts(root).map((field) => field.name).join()
  if (names(form) !== names(fresh)) replaceRows(fresh)
  for (const live of fresh.querySelectorAll('[data-live]')) {
    const here = document.querySelector(`[data-live="${live.dataset.live}"]`)
    if (here && !here.contains(document.activeElement)) here.replaceWith(document.adoptNode(live))
  }
  form.dispatchEvent(new CustomEvent('refreshed'))
  if (document.getElementById('preview').querySelector('[data-preview]')) loadPreview()
}

/** A heading came or went: the sections are set anew, and the caret stays where it was in the text. */
const replaceRows = (fresh) => {
  const active = document.activeElement
  const inPart = active?.classList.contains('part')
  const offset = inPart ? offsetOf(active) : 0
  document.getElementById('rows').replaceWith(document.adoptNode(fresh.getElementById('rows')))
  if (!inPart) return
  let left = offset
  const fields = parts().filter((field) => field.lang === active.lang).sort((one, other) => order(one) - order(other))
  for (const field of fields) {
    const length = field.value.trim().length
    if (left <= length || field === fields.at(-1)) {
      field.focus({ preventScroll: true })
      field.setSelectionRange(Math.min(left, field.value.length), Math.min(left, field.value.length))
      return
    }
    left -= length + 2
  }
}
const offsetOf = (active) => parts()
  .filter((field) => field.lang === active.lang && order(field) < order(active) && field.value.trim())
  .reduce((sum, field) => sum + field.value.trim().length + 2, active.selectionStart)

export const loadPreview = async () => {
  const fresh = await fetched(words.preview)
  const here = document.getElementById('preview')
  const found = fresh?.getElementById('preview')
  if (!found) return
  for (const old of here.querySelectorAll('[data-preview]')) {
    found.querySelector(`[data-preview="${old.dataset.preview}"]`)?.toggleAttribute('open', old.open)
  }
  here.replaceWith(document.adoptNode(found))
}

const insert = (field, text) => {
  field.focus()
  // The one way that leaves undo as it is.
  if (!document.execCommand('insertText', false, text)) field.setRangeText(text, field.selectionStart, field.selectionEnd, 'end')
}

form.addEventListener('input', () => {
  if (state !== 'conflict') show('writing')
  keepHere()
  if (state !== 'conflict') later()
})
form.addEventListener('paste', (event) => {
  const html = event.clipboardData?.getData('text/html')
  const field = event.target
  if (!html || !field.classList.contains('part') || form.elements[`format-${field.lang}`].value !== 'markdown') return
  event.preventDefault()
  insert(field, markdownOf(html))
})
form.addEventListener('click', (event) => {
  const clean = event.target.closest('[data-clean]')
  if (!clean) return
  const field = document.getElementById(clean.dataset.clean)
  field.value = field.value.replace(/[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]/g, '')
  field.dispatchEvent(new Event('input', { bubbles: true }))
  field.focus()
})
form.addEventListener('submit', (event) => {
  if (saving) { // with the revision of before, the server would take us for somebody else
    pending = event.submitter
    event.preventDefault()
    return
  }
  pending = null
  clearTimeout(timer)
  keepHere() // if the session has ended meanwhile, the text is still here after signing in
  state = 'saved'
})
addEventListener('beforeunload', (event) => { if (!['saved', 'saving'].includes(state)) event.preventDefault() })
addEventListener('online', () => { if (state === 'offline') save() })

/** Offers what an earlier visit could not save. */
const offer = () => {
  const found = keptText(place)
  if (!found) return
  if (words.unsaved || same(found.texts, texts())) {
    if (!words.unsaved) drop(place)
    return
  }
  const note = document.getElementById('kept')
  note.hidden = false
  note.querySelector('[data-kept-at]').textContent = new Date(found.at).toLocaleString(document.documentElement.lang)
  note.querySelector('[data-kept="drop"]').addEventListener('click', () => { drop(place); note.hidden = true })
  note.querySelector('[data-kept="use"]').addEventListener('click', () => {
    const again = Object.assign(document.createElement('form'), { method: 'post', action: form.action, hidden: true })
    const field = (name, value) => again.append(Object.assign(document.createElement('textarea'), { name, value }))
    field('csrf_token', form.elements.csrf_token.value)
    field('revision', found.revision)
    field('do', 'save')
    for (const language of languages) {
      field(`source-${language}`, found.texts[language] ?? '')
      field(`format-${language}`, found.formats[language] ?? 'markdown')
      field(`base-${language}`, found.base[language] ?? '')
    }
    document.body.append(again)
    state = 'saved'
    again.submit()
  })
}

document.documentElement.classList.add('has-script')
listen({ form, save, loadPreview, insert })
if (words.unsaved) show('writing')
offer()

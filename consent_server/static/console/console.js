// The console works without this file; it only saves clicks. No markup is ever made from text.
'use strict'

/** Opens and closes the menu on phones. */
for (const button of document.querySelectorAll('[data-menu]')) {
  const side = document.querySelector(button.dataset.menu)
  button.addEventListener('click', () => {
    const open = side.classList.toggle('is-open')
    button.setAttribute('aria-expanded', String(open))
  })
}

/** Where tabs do not fit beside each other, shows the one that is open; also after a phone was turned. */
const showTab = () => {
  for (const tab of document.querySelectorAll('.tabs [aria-current]')) {
    const bar = tab.parentElement
    bar.scrollLeft = 0
    bar.scrollLeft = Math.max(0, tab.getBoundingClientRect().right - bar.getBoundingClientRect().right)
  }
}
showTab()
screen.orientation?.addEventListener('change', showTab)

/** Copies what an element says; where the browser refuses, selects it. */
for (const button of document.querySelectorAll('[data-copy]')) {
  const words = button.textContent
  button.addEventListener('click', async () => {
    const source = document.querySelector(button.dataset.copy)
    try {
      await navigator.clipboard.writeText(source.textContent)
      button.textContent = button.dataset.done
      setTimeout(() => { button.textContent = words }, 2000)
    } catch {
      getSelection().selectAllChildren(source)
    }
  })
}

/** Prints the page, for codes that are shown once. */
for (const button of document.querySelectorAll('[data-print]')) button.addEventListener('click', () => print())

/** Shows how far a job has come, once a second until it ends; then loads the page with the final counts. */
const follow = async (box) => {
  const state = await fetch(box.dataset.progress, { headers: { Accept: 'application/json' } }).then((r) => r.json())
  box.querySelector('[data-progress-state]').textContent = state.words
  box.querySelector('[data-progress-done]').textContent = state.done_words
  box.querySelector('[data-progress-total]').textContent = state.total_words
  const bar = box.querySelector('progress')
  bar.max = state.total || 1
  bar.value = state.done
  if (state.state === 'queued' || state.state === 'running') setTimeout(() => follow(box).catch(() => {}), 1000)
  else location.reload()
}
for (const box of document.querySelectorAll('[data-progress]')) {
  follow(box).catch(() => {})
}

/** Says why a change's type proposes its class, and shows the fields that only this type needs. */
for (const select of document.querySelectorAll('select[data-proposes]')) {
  const show = () => {
    const chosen = select.selectedOptions[0]
    document.getElementById(select.dataset.proposes).textContent = chosen.dataset.reason || ''
    for (const field of select.closest('fieldset').querySelectorAll('[data-only]')) {
      field.hidden = field.dataset.only !== select.value
    }
  }
  select.addEventListener('change', show)
  show()
}

/** Warns before unsaved text is left. */
for (const form of document.querySelectorAll('form[data-guard]')) {
  let changed = form.dataset.guard === 'changed'
  form.addEventListener('input', () => { changed = true })
  form.addEventListener('submit', () => { changed = false })
  addEventListener('beforeunload', (event) => { if (changed) event.preventDefault() })
}

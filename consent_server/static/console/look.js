// The preview of a banner's look: colours as they are typed, and what the server says of their contrast.
'use strict'

for (const form of document.querySelectorAll('[data-look-form]')) {
  const inputs = [...form.querySelectorAll('input[data-usual]')]
  const radius = form.querySelector('[name="radius"]')
  let timer = 0

  /** Sets the custom properties of the preview; a value that the browser does not know leaves the last one. */
  const show = () => {
    for (const place of document.querySelectorAll('[data-look]')) {
      for (const input of inputs) {
        const scheme = input.name.startsWith('dark-') ? 'dark-' : ''
        if (scheme !== place.dataset.look) continue
        const value = input.value.trim() || input.dataset.usual
        if (CSS.supports('color', value)) place.style.setProperty('--look-' + input.name.slice(scheme.length), value)
      }
      const round = radius.value.trim()
      if (!round || CSS.supports('border-radius', round)) place.style.setProperty('--look-radius', round || '10px')
    }
  }

  /** Asks the server, whose rule decides, what is wrong with what stands there now. */
  const check = async () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([name]) => name !== 'csrf_token'))
    const answer = await fetch(`${form.dataset.check}?${query}`).then((r) => (r.ok ? r.json() : {}))
    for (const place of form.querySelectorAll('[data-fault]')) {
      const words = answer[place.dataset.fault] || ''
      place.textContent = words
      place.hidden = !words
      const input = document.getElementById('f-' + place.dataset.fault)
      if (words) input.setAttribute('aria-invalid', 'true')
      else input.removeAttribute('aria-invalid')
    }
  }

  form.addEventListener('input', () => {
    show()
    clearTimeout(timer)
    timer = setTimeout(() => check().catch(() => {}), 300)
  })
}

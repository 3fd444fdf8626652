// Passkeys: asks the browser for one and sends its answer with the form around the button.
'use strict'

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')

/** The options as the browser takes them: identifiers and the challenge as bytes. */
const read = (options) => {
  options.challenge = bytes(options.challenge)
  if (options.user) options.user.id = bytes(options.user.id)
  for (const list of [options.allowCredentials, options.excludeCredentials]) {
    for (const each of list || []) each.id = bytes(each.id)
  }
  return options
}

/** The browser's answer as JSON (Web Authentication, section 5.1). */
const written = ({ id, rawId, type, response }) => {
  const parts = {}
  for (const name of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[name]) parts[name] = text(response[name])
  }
  return JSON.stringify({ id, rawId: text(rawId), type, response: parts, clientExtensionResults: {} })
}

for (const button of document.querySelectorAll('[data-passkey]')) {
  const form = button.form
  const failed = document.querySelector(button.dataset.failed)
  button.addEventListener('click', async () => {
    // Fields of the form first: the browser's own dialog should not open for what cannot be sent.
    if (button.dataset.passkey === 'create' && !form.reportValidity()) return
    failed.hidden = true
    try {
      const publicKey = read(JSON.parse(button.dataset.options))
      const answer = await navigator.credentials[button.dataset.passkey]({ publicKey })
      form.querySelector('[data-passkey-answer]').value = written(answer)
      form.submit()
    } catch {
      failed.hidden = false
    }
  })
}

<?php
/**
 * Plugin Name: Consent tag
 * Description: Puts the consent tag first into every page. Save as wp-content/mu-plugins/consent-tag.php; switch `wordpress` on under signals.
 */

// Before every other script of the head, and untouched by plugins that delay or join scripts.
add_action('wp_head', function () {
    echo '<script src="https://consent.example.org/w/SITE_KEY.js" data-no-optimize="1" data-no-defer="1" data-cfasync="false"></script>' . "\n";
}, -9999);

// Tells the WP Consent API that consent is managed here.
add_filter('wp_get_consent_type', fn () => 'optin');
